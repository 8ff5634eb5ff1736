# SPDX-License-Identifier: MIT
"""rest: HTTP by hand, so that a test can say exactly what is sent, and sees all that comes.

Numbers of JSON are kept as the text that came: 94.30 and 94.3 are not the same price.
"""
import asyncio
import json

from base import generous


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return loads(self.body)

    def error(self):
        """The code of the error envelope."""
        envelope = self.json()
        if "errors" in envelope:  # under /v2 and /v3: the broker's, in both spellings
            assert envelope["status"] == "error" and "error" not in envelope, envelope
            e, = envelope["errors"]
            assert e["errorCode"] == e["error_code"] and e["message"], envelope
            return e["errorCode"]
        assert envelope["status"] == "error" and envelope["error"]["message"], envelope
        return envelope["error"]["code"]

    def data(self):
        envelope = self.json()
        assert self.status == 200 and envelope["status"] == "success", (self.status, envelope)
        return envelope["data"]


def loads(text):
    """JSON whose numbers stay the text that was sent: 94.30 and 94.3 are not the same."""
    def constant(name):
        raise AssertionError(f"{name} is not JSON")
    if isinstance(text, bytes):
        text = text.decode("utf-8")  # strict: JSON has to be UTF-8
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=constant)


def parse_replies(raw, heads=()):
    """All replies of a connection. `heads`: positions of those that answer HEAD."""
    replies = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        if status < 200 or len(replies) in heads:
            size = 0
        assert len(rest) >= size, f"{size} bytes announced, {len(rest)} came"
        replies.append(Reply(status, headers, rest[:size]))
        raw = rest[size:]
    return replies


async def exchange(address, *parts, limit=10, pause=None):
    """Sends bytes over a fresh connection, returns all that comes until the server closes. `pause`
    is awaited between parts."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for i, part in enumerate(parts):
            if i and pause:
                await pause()
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(-1), generous(limit))
    except ConnectionError as e:
        raise AssertionError(f"the connection broke: {e}") from None
    except asyncio.TimeoutError:
        raise AssertionError(f"the server did not close within {generous(limit)} s") from None
    finally:
        writer.close()


async def http(address, target, method="GET", headers=(), body=b"", limit=10):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address[0]}:{address[1]}",
             "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    out = await exchange(address, raw, limit=limit)
    replies = parse_replies(out, heads=(0,) if method == "HEAD" else ())
    assert len(replies) == 1, out
    return replies[0]


def quote_key(key):
    return "".join(c if c.isalnum() else "%%%02X" % ord(c) for c in key)
