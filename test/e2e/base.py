# SPDX-License-Identifier: MIT
"""base: where things are, what may be skipped, and how to wait: for conditions, with a deadline."""
import asyncio
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
SANITIZER = re.compile(r"ERROR: \w*Sanitizer|runtime error:|SUMMARY: \w*Sanitizer|assert", re.I)


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
    """Polls a function (or coroutine function) until it returns something true; returns that."""
    end = time.monotonic() + limit * SLOW
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit * SLOW:.1f} s: {what}")
        await asyncio.sleep(0.005)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


BUSY_S = 0.03


class Metronome:
    """How late this process itself is: what it measures of others cannot be better."""

    def __init__(self):
        self.late = []
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            now = time.monotonic()
            self.late.append((now, now - due))

    def worst(self, begin, end):
        return max((late for t, late in self.late if begin <= t - late <= end), default=0.0)

    def stop(self):
        self.task.cancel()

    def demand(self, is_met, begin, text):
        """Fails unless `is_met`; whether that says something of the server depends on how late we
        were ourselves since `begin`."""
        if not is_met:
            own = self.worst(begin, time.monotonic())
            raise (TooBusy if own > BUSY_S else AssertionError)(
                f"{text}; this process itself was up to {own * 1000:.0f} ms late")


async def span(seconds, step=None):
    """Lets a measurement run for so long; `step` is called some times a second. Begin and end."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        await asyncio.sleep(0.05)
        if step:
            step()
    return begin, time.monotonic()
