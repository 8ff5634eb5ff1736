# SPDX-License-Identifier: MIT
"""sdk: programs of the broker's own SDKs. They are no part of the project: where one is not installed, what needs it is
skipped. JavaScript: npm install upstox-js-sdk; AGNI_JS_SDK names the folder. Python: AGNI_PY_SDK names the
folder of the package upstox_client, AGNI_PYTHON the interpreter that has what it needs."""
import asyncio
import json
import os

from base import ROOT, Skip, until, want_program

HERE = os.path.dirname(os.path.abspath(__file__))


def python_folder():
    folder = os.environ.get("AGNI_PY_SDK") or ROOT
    if not os.path.isdir(os.path.join(folder, "upstox_client")):
        raise Skip("upstox_client is not here (upstox-python-sdk; AGNI_PY_SDK=folder)")
    return folder


def sdk_folder():
    folder = os.environ.get("AGNI_JS_SDK") or ROOT
    if not os.path.isdir(os.path.join(folder, "node_modules", "upstox-js-sdk")):
        raise Skip("upstox-js-sdk is not installed (npm install upstox-js-sdk; AGNI_JS_SDK=folder)")
    return folder


class Program:
    def __init__(self):
        self.events, self.messages, self.errors = [], [], []

    async def start(self, s, token="any", feed=None, language="js"):
        if language == "js":
            program = (want_program("node"), os.path.join(HERE, "sdk_client.js"), sdk_folder())
        else:
            program = (os.environ.get("AGNI_PYTHON") or "python3",
                       os.path.join(HERE, "sdk_client.py"), python_folder())
        rest = f"http://{s.http[0]}:{s.http[1]}"
        feed = feed or f"ws://{s.ws[0]}:{s.ws[1]}"
        self.process = await asyncio.create_subprocess_exec(
            *program, rest, feed, token,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=1 << 24)
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._complaints())]
        await self.heard("ready")
        return self

    async def _read(self):
        while line := await self.process.stdout.readline():
            e = json.loads(line)
            if e["event"] == "message":
                if e["data"]:  # null: the SDK had not read its schema yet
                    self.messages.append(e["data"])
            else:
                self.events.append((e["event"], e.get("data")))

    async def _complaints(self):
        while line := await self.process.stderr.readline():
            self.errors.append(line.decode())

    def do(self, command, **more):
        self.process.stdin.write(json.dumps({"do": command, **more}).encode() + b"\n")

    def count(self, event):
        return sum(e == event for e, _ in self.events)

    async def wait(self, condition, limit, what):
        def look():
            assert self.process.returncode is None, f"the program ended: {''.join(self.errors)}"
            return condition()
        return await until(look, limit, what)

    async def heard(self, event, n=1, limit=15):
        await self.wait(lambda: self.count(event) >= n, limit, f"{event} of the SDK, {n} times")

    async def answer(self, api, method, *args):
        """A REST call of the SDK."""
        n = self.count("answer")
        self.do("call", api=api, method=method, args=list(args))
        await self.heard("answer", n + 1)
        return [d for e, d in self.events if e == "answer"][-1]

    def entries(self, since=0):
        """(key, mode, is_snapshot) of all that came from message `since` on."""
        return [(k, mode_of(e), "type" not in m) for m in self.messages[since:]
                for k, e in m.get("feeds", {}).items()]

    async def flows(self, messages=15):
        """Waits for so many further messages; where they begin."""
        n = len(self.messages)
        await self.wait(lambda: len(self.messages) >= n + messages, 20, f"{messages} messages")
        return n

    async def stop(self):
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()
        for task in self.tasks:
            await task
        assert self.process.returncode == 0, "".join(self.errors)


def mode_of(entry):
    """The mode that an entry has by its content, which has to be that of its label."""
    label = entry.get("requestMode", "ltpc")
    arm = next(a for a in ("ltpc", "fullFeed", "firstLevelWithGreeks") if a in entry)
    wants = {"ltpc": "ltpc", "full_d5": "fullFeed", "full_d30": "fullFeed",
             "option_greeks": "firstLevelWithGreeks"}
    assert wants[label] == arm, entry
    return {"full_d5": "full"}.get(label, label)
