# SPDX-License-Identifier: MIT
"""Where signals go: one app, and the same object in /signals, the channel, Redis and a webhook whose
receiver verifies with the very lines of docs/signals.md."""
import asyncio
import json
import os
import re

from base import ROOT
from lib import loads, until

SECRET = "a secret of the e2e tests"
FIRING = {"signals.apps": "simple", "app.simple.instruments": "NSE_INDEX|Nifty 50",
          "app.simple.change_pct": "0.01", "app.simple.cooldown_s": "0", "sim.speed": "50"}


def verifier():
    """verify() as the document has it."""
    with open(os.path.join(ROOT, "docs", "signals.md"), encoding="ascii") as f:
        code = re.search(r"```python\n(.*?)```", f.read(), re.S)[1]
    names = {}
    exec(code, names)  # pylint: disable=exec-used
    return names["verify"]


class Receiver:
    """An HTTP server for POSTs. `answers` are given in turn, the last one for ever; None hangs."""

    def __init__(self, answers):
        self.answers, self.requests, self.server, self.hanging = answers, [], None, []

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((head.split(" ")[1], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self.hanging.append(writer)
            return
        writer.write(f"HTTP/1.1 {answer} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def close(self):
        self.server.close()
        for w in self.hanging:
            w.close()


async def test_outputs_are_the_same_object(t):
    os.environ["AGNI_TEST_WEBHOOK_SECRET"] = SECRET
    redis, verify = await t.redis(), verifier()
    hook = await Receiver([500, 503, 200]).start()
    s = await t.server({**FIRING, "redis.url": redis.url, "signals.webhook_retry_ms": "10",
                        "signals.webhook_url": f"http://127.0.0.1:{hook.port}/hook?key=hush",
                        "signals.webhook_secret": "${AGNI_TEST_WEBHOOK_SECRET}"})
    await s.live()
    c = await t.client(s)
    await c.send({"action": "subscribe", "channels": ["signals"], "from": 0})

    def heard():
        return [m["data"] for m in c.replies if m["type"] == "signal"]
    await c.wait(heard, 20, "a signal in the channel")
    await until(lambda: len(hook.requests) >= 3, 20, "the webhook was tried three times")
    for target, headers, body in hook.requests:
        assert target == "/hook?key=hush"
        assert verify(SECRET, headers["x-agni-signature"], body), headers
        assert not verify(SECRET + ".", headers["x-agni-signature"], body)
        assert not verify(SECRET, headers["x-agni-signature"], body + b" ")
        assert not verify(SECRET, headers["x-agni-signature"], body, now=0)
        assert headers["x-agni-source"] == "sim"
    first = [h["x-agni-signal-id"] for _, h, _ in hook.requests[:3]]
    assert len(set(first)) == 1, first  # tried again under one id
    one = json.loads(hook.requests[2][2])
    assert first[0] == f"{(await s.health())['epoch']}-{one['id']}"
    same = next(h for h in heard() if int(h["id"]) == one["id"])
    entries = await redis.cmd("XRANGE", "agni-sim:signals", "-", "+", "COUNT", "1")
    assert entries[0][1][0] == b"data"
    for other in (json.loads(json.dumps(same)), json.loads(entries[0][1][1])):
        assert {k: str(v) for k, v in other.items() if k != "inputs"} == {
            k: str(v) for k, v in one.items() if k != "inputs"}, (other, one)
    m = await s.metrics()
    assert m["agnidata_outputs_webhook_delivered_total"] >= 1
    assert m["agnidata_outputs_webhook_retries_total"] >= 2
    assert m["agnidata_store_events_total"] >= 1
    hook.close()
    for line in s.log:
        assert SECRET not in line and "hush" not in line, line


async def test_outputs_redis_comes_back_empty(t):
    """The stream has what /signals has, in order; signals of before a restart of the server too."""
    redis = await t.redis()
    s = await t.server({**FIRING, "redis.url": redis.url})
    await s.live()

    async def listed():
        signals = loads((await s.get("/signals?limit=1024")).body)["data"]["signals"]
        return sorted(int(g["id"]) for g in signals)

    async def stream():
        entries = await redis.cmd("XRANGE", "agni-sim:signals", "-", "+")
        return [json.loads(e[1][1])["id"] for e in entries]

    async def is_same():
        there = await stream()  # more may fire before /signals is asked
        return len(there) >= 2 and (await listed())[:len(there)] == there
    await until(is_same, 20, "two signals have fired")
    await redis.kill()
    await redis.start()
    await until(is_same, 20, "the stream is filled again")
    await s.stop()
    await redis.kill()
    await redis.start()
    s = await t.server({**FIRING, "app.simple.change_pct": "50", "redis.url": redis.url})
    await s.live()
    await until(is_same, 20, "signals of the run before are in the new Redis")
    assert (await s.metrics())["agnidata_store_events_total"] == len(await listed())


async def test_outputs_webhook_that_hangs(t):
    """It delays nothing; at the stop what waits is given up, and said."""
    hook = await Receiver([None]).start()
    s = await t.server({**FIRING, "signals.webhook_url": f"http://127.0.0.1:{hook.port}/",
                        "signals.webhook_secret": SECRET})
    await s.live()

    async def waits():
        return (await s.metrics())["agnidata_outputs_webhook_waiting"] >= 1 and hook.requests
    await until(waits, 20, "a signal waits")
    c = await t.client(s)
    await c.subscribe(["NSE_INDEX|Nifty 50"])
    await c.flows()
    await s.stop()
    assert s.find(r"webhook: \d+ signals are not delivered: the server stops")
    hook.close()


async def test_outputs_configuration(t):
    for sets, word in (({"signals.webhook_url": "https://hooks.example/?key=hush"},
                        "signals.webhook_secret"),
                       ({"signals.webhook_url": "http://hooks.example/?key=hush",
                         "signals.webhook_secret": SECRET}, "signals.webhook_url")):
        s = await t.launch(sets)
        assert await s.ended() == 2
        s.is_checked = True
        text = "\n".join(s.log)
        assert word in text and "hush" not in text and SECRET not in text, text
