# SPDX-License-Identifier: MIT
"""server: ./agnidata itself: its log, its addresses, its end."""
import asyncio
import os
import re
import signal
import time

from base import BINARY, ROOT, SANITIZER, generous, until
from rest import http, loads, quote_key


class Server:
    """./agnidata with a data folder of its own and free ports. `log` holds the lines of stderr."""

    def __init__(self, case, sets=None, args=(), wrap=()):
        self.case, self.log, self.process, self.wrap = case, [], None, list(wrap)
        self.sets = {"server.data_dir": os.path.join(case.folder, "var"),
                     "http.listen": "127.0.0.1:0", "stream.listen": "127.0.0.1:0",
                     "redis.url": "", "signals.apps": "", "options.chains": "", "futures.underlyings": "",
                     "sim.start": "2026-11-20T09:15:00"}
        self.sets.update(sets or {})
        self.args = args
        self.exit_code, self.stop_s, self.is_checked = None, None, False

    def command(self):
        sets = [w for k, v in self.sets.items() for w in ("--set", f"{k}={v}")]
        return [*self.wrap, BINARY, "--config", os.path.join(ROOT, "etc", "agni.ini"), *sets,
                *self.args]

    async def launch(self):
        """Starts the process and reads its log; does not wait for it to be up."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command(), cwd=self.case.folder, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        self.reading = asyncio.create_task(self._read())
        return self

    async def start(self):
        await self.launch()
        return await self.await_up()

    async def await_up(self, limit=10):
        """Waits until the addresses are known."""
        await self.logged(r"ticks    wss?://", limit)
        self.http = self._address(r"health   https?://([\d.]+):(\d+)/health")
        self.ws = self._address(r"ticks    wss?://([\d.]+):(\d+)/ws")
        if self.sets.get("upstream.mode", "sim") == "sim":
            self.sim = self._address(r"SIMULATED exchange on ([\d.]+):(\d+),")
        return self

    async def _read(self):
        while True:
            line = await self.process.stderr.readline()
            if not line:
                return
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _address(self, pattern):
        m = self.find(pattern)
        return m[1], int(m[2])

    def find(self, pattern, after=0):
        for line in self.log[after:]:
            m = re.search(pattern, line)
            if m:
                return m
        return None

    async def logged(self, pattern, limit=10, after=0):
        def look():
            return self.find(pattern, after) or self.reading.done()
        await until(look, limit, f"log line /{pattern}/")
        m = self.find(pattern, after)
        assert m, f"the server ended without the log line /{pattern}/"
        return m

    async def get(self, target, **kw):
        return await http(self.http, target, **kw)

    async def health(self):
        r = await self.get("/health")
        return loads(r.body)["data"]

    async def quote(self, key):
        return (await self.get("/quotes/" + quote_key(key))).data()

    async def quotes(self):
        return {q["key"]: q for q in (await self.get("/quotes")).data()["quotes"]}

    async def metrics(self):
        text = (await self.get("/metrics")).body.decode()
        return {k: float(v) for k, v in
                (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}

    async def live(self, limit=15):
        """Waits until data flows."""
        async def is_live():
            m = await self.metrics()
            return m["agnidata_feed_up"] and m["agnidata_feed_ticks_total"] > 0
        await until(is_live, limit, "the feed is live")

    async def fault(self, kind, n=None):
        target = f"/sim/fault?kind={kind}" + ("" if n is None else f"&n={n}")
        assert (await http(self.sim, target, "POST")).status == 200

    async def reload(self):
        """SIGHUP, and waits until it is done."""
        before = len(self.log)
        self.process.send_signal(signal.SIGHUP)
        await self.logged(r"reload: ", 10, before)

    async def ended(self, limit=10):
        """Waits for the end of the process; its exit code."""
        await until(lambda: self.process.returncode is not None, limit, "the server ends")
        await asyncio.wait_for(self.reading, generous(10))
        self.exit_code = self.process.returncode
        return self.exit_code

    async def stop(self, limit=10):
        """SIGTERM, and everything that a clean stop promises."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        await self.ended(limit)
        self.stop_s = time.monotonic() - begin
        self.check()

    def check(self, code=0, may_leak=False):
        """What holds after any end: no sanitizer has spoken, and after a clean one no handle is
        left. Only who ends at once may leave memory behind."""
        self.is_checked = True
        for line in self.log:
            if may_leak and "LeakSanitizer" in line:
                break
            if SANITIZER.search(line):
                raise AssertionError(f"the server says: {line}")
        assert self.exit_code == code, f"exit code {self.exit_code}, not {code}"
        if code == 0:
            assert self.find(r"uv_loop_close: 0$"), "no uv_loop_close: 0 in the log"


async def run_binary(*args, limit=10, cwd=None):
    """Runs ./agnidata to its end: exit code, stdout, stderr."""
    p = await asyncio.create_subprocess_exec(
        BINARY, *args, cwd=cwd, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, err = await asyncio.wait_for(p.communicate(), generous(limit))
    except asyncio.TimeoutError:
        p.kill()
        await p.wait()
        raise AssertionError(f"{args} did not end within {generous(limit)} s") from None
    out, err = out.decode(), err.decode()
    assert not SANITIZER.search(err), err
    return p.returncode, out, err
