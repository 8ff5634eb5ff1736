# SPDX-License-Identifier: MIT
"""base: where things are, what may be skipped, and how to wait: for conditions, with a deadline."""
import asyncio
import bisect
import os
import re
import shutil
import socket
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("AGNIDATA") or os.path.join(ROOT, "agnidata"))
FLAVOUR = os.environ.get("AGNI_FLAVOUR", "release")
LONG = os.environ.get("AGNI_LONG") == "1"
SLOW = {"release": 1.0}.get(FLAVOUR, 4.0)  # how much more time things may take
PATIENCE = 3    # a wait that an event ends may be this much longer, for machines that are busy
TURN_S = 0.05   # a turn of a wait counts for no more: what is beyond it, others have had
SANITIZER = re.compile(r"ERROR: \w*Sanitizer|runtime error:|SUMMARY: \w*Sanitizer|assert", re.I)


# Before a recording plays, so that clients are there first, whatever else the machine does.
START_DELAY_MS = str(int(2000 + 1000 * SLOW))


def generous(limit):
    """Seconds for a wait that an event ends."""
    return limit * SLOW * PATIENCE


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


class TooBusy(AssertionError):
    """A measurement of time failed while this process itself was kept waiting: measure again."""


def alone(test):
    """Marks a test that measures time: nothing else runs beside it."""
    test.alone = True
    return test


def data(relative):
    """Path of a file of the data set; the test is skipped where there is none."""
    root = os.environ.get("AGNI_DATA") or os.path.join(ROOT, "..", "shared", "data")
    path = os.path.join(root, relative)
    if not os.path.exists(path):
        raise Skip(f"no data set here: {relative}")
    return path


def want_program(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


async def until(condition, limit, what):
    """Polls a function (or coroutine function) until it returns something true; returns that.
    The limit is generous and in time that this process has had: it is there to end a wait for what
    never comes. What a promise is about is measured with a Metronome."""
    limit = generous(limit)
    spent, last = 0.0, time.monotonic()
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        now = time.monotonic()
        spent, last = spent + min(now - last, TURN_S), now
        if spent > limit:
            raise AssertionError(f"not within {limit:.1f} s: {what}")
        await asyncio.sleep(0.005)


PORTS = range(20000, 30000)
reserved = []


def free_port():
    """A port for a server that comes, goes and comes again: nobody listens on it, no other test
    takes it, and the kernel does not either, for an outgoing connection. To reserve it is to bind
    a name in the abstract namespace, as the C tests do; the end of this process gives it back."""
    first = os.getpid() % len(PORTS)
    for i in range(len(PORTS)):
        port = PORTS[(first + i) % len(PORTS)]
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as s:
            try:
                name.bind(f"\0agni-test-port-{port}")
                s.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
        reserved.append(name)
        return port
    raise AssertionError("no free port")


BUSY_S = 0.03


class Waiting:
    """How long a process has stood in line for a processor, by the kernel's own account; 0 where
    the kernel keeps none. `owner` has it in its `process`, which may change."""

    def __init__(self, owner=None):
        self.owner, self.pid, self.last, self.total = owner, None, 0.0, 0.0

    def seconds(self):
        process = self.owner.process if self.owner else None
        pid = process.pid if process else os.getpid()
        if pid != self.pid:
            self.pid, self.last = pid, None
        try:
            with open(f"/proc/{pid}/schedstat") as f:
                now = int(f.read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return self.total  # it has ended
        self.total += now - self.last if self.last is not None else 0.0
        self.last = now
        return self.total


class Metronome:
    """Measures promises of time on a machine that others use too. It knows how late this process
    is, and how long it and the watched processes (servers, Redis) stood in line for a processor:
    that is taken off what was measured, for no program can do anything about it. On a quiet machine
    it is next to nothing."""

    def __init__(self, *watched):
        self.late, self.lines = [], [Waiting(), *(Waiting(w) for w in watched)]
        self.waits = [(time.monotonic(), self._waited())]
        self.task = asyncio.create_task(self._run())

    def _waited(self):
        return sum(line.seconds() for line in self.lines)

    async def _run(self):
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            now = time.monotonic()
            self.late.append((now, now - due))
            self.waits.append((now, self._waited()))

    def worst(self, begin, end):
        return max((late for t, late in self.late if begin <= t - late <= end), default=0.0)

    def waited(self, begin, end):
        """Seconds in line between the samples around begin and end."""
        times = [t for t, _ in self.waits]
        before = self.waits[max(bisect.bisect_right(times, begin) - 1, 0)][1]
        at = bisect.bisect_left(times, end)
        return (self.waits[at][1] if at < len(times) else self._waited()) - before

    def worst_pause(self, client, begin, end):
        """The longest pause between data frames of a client, without the time in line: that of
        several may overlap, so what is left can be too little, and never too much."""
        return max(0.0, *(b - a - self.waited(a, b) for a, b in client.pauses(begin, end)))

    def took(self, begin):
        """Seconds since `begin`, without the time in line."""
        end = time.monotonic()
        return end - begin - self.waited(begin, end)

    def stop(self):
        self.task.cancel()

    def demand(self, is_met, begin, text):
        """Fails unless `is_met`; whether that says something of the server depends on how late we
        were ourselves since `begin`."""
        if not is_met:
            now = time.monotonic()
            own = self.worst(begin, now)
            raise (TooBusy if own > BUSY_S else AssertionError)(
                f"{text}; this process was up to {own * 1000:.0f} ms late, and all together stood "
                f"in line for {self.waited(begin, now) * 1000:.0f} ms")


async def span(seconds, step=None):
    """Lets a measurement run for so long; `step` is called some times a second. Begin and end."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        await asyncio.sleep(0.05)
        if step:
            step()
    return begin, time.monotonic()
