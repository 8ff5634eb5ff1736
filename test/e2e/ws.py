# SPDX-License-Identifier: MIT
"""ws: clients of /ws: one that checks everything that comes, and one that does not read."""
import asyncio
import json
import socket
import struct
import time

import websockets

from base import SLOW, generous, until
from rest import loads

NEW_WEBSOCKETS = int(websockets.__version__.split(".")[0]) >= 14


async def ws_connect(address, path="/ws", headers=None, **kw):
    """A websockets connection, with the names of the installed version (10.4 to 15)."""
    if headers:
        kw["additional_headers" if NEW_WEBSOCKETS else "extra_headers"] = headers
    if int(websockets.__version__.split(".")[0]) >= 15:
        kw["proxy"] = None
    kw.setdefault("compression", None)
    scheme = "wss" if kw.get("ssl") else "ws"
    return await websockets.connect(f"{scheme}://{address[0]}:{address[1]}{path}", max_size=None,
                                    ping_interval=None, open_timeout=10 * SLOW, **kw)


def upgrade(path="/ws", host="127.0.0.1", **headers):
    """The bytes of a WebSocket handshake."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


KNOWN_TYPES = {"connection", "status", "subscription_update", "subscriptions", "market_data",
               "heartbeat", "pong", "error", "cannot_resume", "gap", "epoch", "stopping",
               "selection", "chain", "futures", "signal"}


class Client:
    """A native client that keeps the merged state and checks every frame that comes.

    What has to hold: JSON in UTF-8 of a known type, connection and status first, no quote that was
    not asked for, seq of frames and of each instrument never going back, and no tick twice.
    """

    def __init__(self, name):
        self.name = name
        self.state, self.seqs, self.wanted = {}, {}, set()
        self.frames, self.quotes, self.conflated, self.snapshots, self.seq = 0, 0, 0, 0, -1
        self.ticks = 0            # quotes outside of snapshots
        self.bytes = 0
        self.replies, self.statuses, self.types = [], [], []
        self.arrivals = []        # monotonic times of data frames
        self.on_quote = None      # called with each quote; may raise
        self.closed, self.reason, self.fault = None, "", None
        self.is_idle = False      # True: bytes are counted and thrown away

    async def open(self, address, **kw):
        self.ws = await ws_connect(address, **kw)
        self.reading = asyncio.create_task(self._read())
        await until(lambda: self.statuses or self.reading.done(), 5, "connection and status")
        self.check()
        return self

    async def _read(self):
        try:
            while True:
                text = await self.ws.recv()
                now = time.monotonic()
                if self.is_idle:
                    self.frames += 1
                    continue
                self.bytes += len(text)
                assert isinstance(text, str), "a binary frame"
                self._take(loads(text), now)
        except websockets.ConnectionClosed as e:
            self.closed = e.rcvd.code if e.rcvd else 1006
            self.reason = e.rcvd.reason if e.rcvd else ""
        except Exception as e:  # told by check()
            self.fault = e

    def _take(self, m, now):
        kind = m["type"]
        assert kind in KNOWN_TYPES, f"unknown type {kind}"
        if len(self.types) < 2:
            self.types.append(kind)
            assert kind == ("connection", "status")[len(self.types) - 1], self.types
        if "seq" in m:
            seq = int(m["seq"])
            if kind in ("market_data", "heartbeat"):
                assert seq >= self.seq, f"seq went back from {self.seq} to {seq}"
                self.seq = seq
        if kind == "market_data":
            self._take_data(m, now)
        elif kind == "status":
            self.statuses.append((now, m))
        elif kind == "connection":
            self.hello = m
        else:
            self.replies.append(m)

    def _take_data(self, m, now):
        is_snapshot = m.get("snapshot", False)
        self.frames += 1
        self.snapshots += is_snapshot
        self.arrivals.append(now)
        self.conflated += int(m.get("conflated", 0))
        assert m["data"], "a frame without a quote"
        for q in m["data"]:
            key, seq = q["key"], int(q["seq"])
            assert key in self.wanted, f"{key} was not asked for"
            old = self.seqs.get(key, 0)
            assert seq > old or is_snapshot and seq >= old, f"{key}: seq {old}, then {seq}"
            self.seqs[key], self.state[key] = seq, q
            self.quotes += 1
            self.ticks += not is_snapshot
            if self.on_quote:
                self.on_quote(q)

    def check(self):
        if self.fault:
            raise AssertionError(f"client {self.name}: {self.fault!r}") from self.fault

    async def send(self, command):
        await self.ws.send(command if isinstance(command, (str, bytes)) else json.dumps(command))

    async def ask(self, command, limit=5):
        """Sends a command with an id of its own; the answer to it."""
        ident = f"{self.name}-{len(self.replies)}-{time.monotonic_ns()}"
        await self.send(dict(command, id=ident))

        def answer():
            self.check()
            return next((r for r in self.replies if r.get("id") == ident), None)
        return await until(answer, limit, f"answer to {str(command)[:200]}")

    async def subscribe(self, keys, mode="full", **more):
        """Subscribes; status by key."""
        self.wanted.update(keys)
        r = await self.ask({"action": "subscribe", "instruments": list(keys), "mode": mode, **more})
        assert r["type"] == "subscription_update", r
        return {x["instrument"]: x["status"] for x in r["results"]}

    async def wait(self, condition, limit, what):
        def look():
            self.check()
            return condition()
        return await until(look, limit, f"client {self.name}: {what}")

    async def flows(self, frames=20, limit=10):
        """Waits for so many further data frames."""
        n = self.frames + frames
        await self.wait(lambda: self.frames >= n, limit, f"{frames} further frames")

    def pauses(self, begin, end):
        """(from, to) of each pause between data frames in a span of time."""
        times = [begin] + [t for t in self.arrivals if begin <= t <= end] + [end]
        return zip(times, times[1:])

    async def close(self):
        try:
            await asyncio.wait_for(self.ws.close(), 3 * SLOW)
        except asyncio.TimeoutError:
            pass
        if not self.reading.done():
            self.reading.cancel()


class Deaf:
    """A client that shakes hands, subscribes and then reads only when it is told to: raw sockets
    with a small receive buffer, because a library would go on reading behind our back."""

    def __init__(self, address, keys, mode="full"):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(address)
        self.sock.sendall(upgrade())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            more = self.sock.recv(1)
            assert more, f"no handshake: {self.rest}"
            self.rest += more
        assert b" 101 " in self.rest, self.rest
        self.rest = b""
        self.send({"action": "subscribe", "instruments": list(keys), "mode": mode})
        self.sock.setblocking(False)

    def send(self, command):
        payload, mask = json.dumps(command).encode(), b"\1\2\3\4"
        n = len(payload)
        head = bytes([0x81, 0x80 | n]) if n < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, n)
        self.sock.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    async def frames(self, condition, limit, what, may_end=False):
        """Reads until condition(frames so far), frames being (opcode, payload), or the end."""
        out, end = [], time.monotonic() + generous(limit)
        loop = asyncio.get_running_loop()
        while not condition(out):
            left = end - time.monotonic()
            assert left > 0, f"not within {generous(limit):.1f} s: {what}"
            try:
                more = await asyncio.wait_for(loop.sock_recv(self.sock, 65536), left)
            except asyncio.TimeoutError:
                continue  # and the assertion above speaks
            except ConnectionError:
                more = b""
            assert more or may_end, f"the connection ended before: {what}"
            if not more:
                return out
            self.rest += more
            self._split(out)
        return out

    def _split(self, out):
        raw, at = self.rest, 0
        while len(raw) - at >= 2:
            n, head = raw[at + 1], 2
            assert n < 128, "the server masks"
            if n >= 126:
                head = 4 if n == 126 else 10
                if len(raw) - at < head:
                    break
                n = int.from_bytes(raw[at + 2:at + head], "big")
            if len(raw) - at < head + n:
                break
            out.append((raw[at] & 15, raw[at + head:at + head + n]))
            at += head + n
        self.rest = raw[at:]

    def close(self):
        self.sock.close()
