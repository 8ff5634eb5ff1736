# SPDX-License-Identifier: MIT
"""tape: clients that go on where they stood, across kills of the server, and the one who knows what
everybody saw.

A `Follower` keeps its epoch and the seq of its last frame, and subscribes from there after each
kill. A `Ledger` holds what was ever shown under a seq: nothing may be shown differently later.
"""
import asyncio
import json
import resource
import signal
import time

import websockets

from base import SLOW, until
from rest import loads
from ws import ws_connect


class Ledger:
    """seq -> what was shown. Snapshots and conflated states are checked, and are no ticks."""

    def __init__(self):
        self.seen = {}

    def note(self, q):
        seq, what = int(q["seq"]), (q["key"], str(q.get("ltp")), str(q.get("ltt")))
        old = self.seen.setdefault(seq, what)
        assert old == what, f"seq {seq} was {old}, and is {what}"

    def check_state(self, q):
        """The state of an instrument as of its newest tick."""
        old = self.seen.get(int(q["seq"]))
        if old is not None:
            assert old[0] == q["key"], f"seq {q['seq']} was of {old[0]}, and is of {q['key']}"


class Follower:
    """Subscribes to everything under one policy and resumes; every seq has to come or, with policy
    latest, to be accounted for."""

    def __init__(self, name, ledger, keys, policy, mode="ltpc"):
        self.name, self.ledger, self.keys = name, ledger, keys
        self.policy, self.mode = policy, mode
        self.epoch, self.seq = None, None
        self.next = None            # policy all, everything subscribed: the seq that has to come
        self.ticks, self.gaps, self.refused, self.epochs = 0, [], [], []
        self.frames, self.conflated, self.catching_up = 0, 0, 0
        self.fault, self.ws, self.reading = None, None, None
        self.first_tick = None      # monotonic time of the first tick since the last connect

    async def open(self, address):
        self.first_tick = None
        self.ws = await ws_connect(address)
        hello = loads(await self.ws.recv())
        if self.epoch is not None and hello["epoch"] != self.epoch:
            self.epochs.append(hello["epoch"])
        command = {"action": "subscribe", "instruments": self.keys, "mode": self.mode,
                   "policy": self.policy}
        if self.seq is not None:
            command.update(from_seq=self.seq, epoch=self.epoch)
            self.catching_up = int(hello["seq"])
        self.hello_epoch = hello["epoch"]
        await self.ws.send(json.dumps(command))
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        try:
            while True:
                self._take(loads(await self.ws.recv()))
        except (websockets.ConnectionClosed, ConnectionError, OSError):
            pass
        except Exception as e:  # told by check()
            self.fault = e

    def _take(self, m):
        kind = m["type"]
        if kind == "market_data":
            self._take_data(m)
        elif kind == "gap":
            first, last = int(m["from_seq"]), int(m["to_seq"])
            assert self.next is None or self.next == first, f"gap {first}, not {self.next}"
            self.gaps.append((first, last, m["reason"]))
            self.next = last + 1
            self.seq = last
        elif kind == "epoch":
            self.epoch = m["epoch"]
            self.epochs.append(m["epoch"])
        elif kind == "cannot_resume":
            self.refused.append(m)
            self.next = None
        elif kind == "error":
            raise AssertionError(m)

    def _take_data(self, m):
        is_snapshot = m.get("snapshot", False)
        self.epoch = self.epoch or self.hello_epoch
        if self.first_tick is None:
            self.first_tick = time.monotonic()
        for q in m["data"]:
            if is_snapshot or self.policy == "latest" and int(q["seq"]) > self.catching_up:
                self.ledger.check_state(q)
                continue
            seq = int(q["seq"])
            if self.policy == "all" or seq <= self.catching_up:
                assert self.next is None or seq == self.next, f"seq {seq}, not {self.next}"
                self.next = seq + 1
                self.ticks += 1
                self.ledger.note(q)
        seq = int(m["seq"])
        assert self.seq is None or seq >= self.seq, f"frame seq {self.seq}, then {seq}"
        self.seq = seq
        if self.policy == "latest" and seq > self.catching_up:
            self.next = None  # states from here on; a resume begins behind this frame
        self.frames += 1
        self.conflated += int(m.get("conflated", 0))

    def check(self):
        if self.fault:
            raise AssertionError(f"follower {self.name}: {self.fault!r}") from self.fault

    async def wait(self, condition, limit, what):
        def look():
            self.check()
            return condition()
        return await until(look, limit, f"follower {self.name}: {what}")

    async def lost(self):
        """The connection has ended; from the next one on it goes on behind its last frame."""
        await asyncio.wait_for(self.reading, 20 * SLOW)
        self.check()
        if self.seq is not None:
            self.next = self.seq + 1

    async def close(self):
        if self.ws:
            await self.ws.close()
            await self.lost()


async def kill(server):
    """kill -9, now."""
    server.process.send_signal(signal.SIGKILL)
    await server.ended()
    server.is_checked = True


def limit_files(server, size):
    """No file of the process may grow beyond `size` bytes (None: without limit): a full disk."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    soft = hard if size is None else size
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
