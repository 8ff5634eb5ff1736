# SPDX-License-Identifier: MIT
"""browser: a headless Chromium, driven over the DevTools protocol.

It gets a folder of its own, may talk to nothing but what the test opens, and is ended by its id.
"""
import asyncio
import json
import os
import tempfile

from lib import SLOW, until, want_program, ws_connect

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--no-proxy-server", "--remote-debugging-port=0"]


class Browser:
    def __init__(self, case):
        self.binary = want_program("chromium")
        self.folder = tempfile.mkdtemp(prefix="chromium-", dir=case.folder)
        self.process, self.count, self.answers = None, 0, {}
        self.session = None
        self.complaints = []  # exceptions and errors of the page's console

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            self.binary, *FLAGS, "--user-data-dir=" + self.folder, "about:blank",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ, HOME=self.folder))
        port_file = os.path.join(self.folder, "DevToolsActivePort")

        def lines():
            assert self.process.returncode is None, "chromium does not start"
            if not os.path.exists(port_file):
                return None
            with open(port_file) as f:
                found = f.read().split("\n")
            return found if len(found) >= 2 else None
        port, path = (await until(lines, 30, "the port of chromium"))[:2]
        self.ws = await ws_connect(("127.0.0.1", int(port)), path)
        self.reading = asyncio.create_task(self._read())
        return self

    async def _read(self):
        async for text in self.ws:
            m = json.loads(text)
            if "id" in m:
                self.answers[m["id"]] = m
            elif m["method"] == "Runtime.exceptionThrown":
                self.complaints.append(m["params"]["exceptionDetails"].get("text", "exception"))
            elif m["method"] == "Log.entryAdded" and m["params"]["entry"]["level"] == "error":
                self.complaints.append(m["params"]["entry"]["text"])

    async def call(self, method, **params):
        self.count += 1
        ident = self.count
        m = {"id": ident, "method": method, "params": params}
        if self.session:
            m["sessionId"] = self.session
        await self.ws.send(json.dumps(m))
        answer = await until(lambda: self.answers.pop(ident, None), 20,
                             f"chromium answers {method}")
        assert "error" not in answer, answer
        return answer["result"]

    async def open(self, url):
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            await self.call(domain + ".enable")
        await self.call("Page.navigate", url=url)

    async def value(self, expression):
        """What a JavaScript expression of the page gives."""
        r = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in r, r
        return r["result"].get("value")

    async def wait(self, expression, limit, what):
        return await until(lambda: self.value(expression), limit, what)

    async def stop(self):
        if self.process and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 5 * SLOW)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()
        if hasattr(self, "reading"):
            self.reading.cancel()
