# SPDX-License-Identifier: MIT
"""lib: what the end-to-end tests stand on, under one name.

Everything runs in one asyncio loop. A test gets a `Case` and asks it for servers, Redis instances
and clients; when the test ends, the case stops them all and holds every server to the same rules:
exit 0, `uv_loop_close: 0`, not a word from a sanitizer.
"""
import os
import re
import shutil
import tempfile

from base import (BINARY, FLAVOUR, LONG, ROOT, SANITIZER, SLOW, START_DELAY_MS, Metronome, Skip,
                  TooBusy, alone, data, free_port, generous, span, until, want_program)
from recording import difference, merge, merge_one, option_tape, read_jsonl
from redis_server import Redis
from rest import exchange, http, loads, parse_replies, quote_key
from server import Server, run_binary
from ws import Client, Deaf, upgrade, ws_connect

__all__ = ["BINARY", "FLAVOUR", "LONG", "ROOT", "SANITIZER", "SLOW", "START_DELAY_MS", "Case",
           "Client", "Deaf", "Metronome", "Redis", "Server", "Skip", "TooBusy", "alone", "data",
           "difference", "exchange", "free_port", "generous", "http", "loads", "merge", "merge_one", "option_tape",
           "parse_replies", "quote_key", "read_jsonl", "run_binary", "span", "until", "upgrade",
           "want_program", "ws_connect"]


class Case:
    """What one test has started. `close` ends it all, by id, and checks what was not checked."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="agni-e2e-")
        self.servers, self.redises, self.clients, self.deaf = [], [], [], []

    async def server(self, sets=None, **kw):
        s = Server(self, sets, **kw)
        self.servers.append(s)
        return await s.start()

    async def launch(self, sets=None, **kw):
        s = Server(self, sets, **kw)
        self.servers.append(s)
        return await s.launch()

    async def key_command(self, *args, code=0):
        """agnidata key ..., on the data folder of this test's servers: what it prints."""
        rc, out, err = await run_binary("key", *args, "--set",
                                        f"server.data_dir={os.path.join(self.folder, 'var')}")
        assert rc == code, f"key {args}: exit {rc}: {out}{err}"
        return out if code == 0 else err

    async def key(self, *args):
        """A new API key."""
        out = await self.key_command("add", *args)
        assert re.fullmatch(r"agni_[0-9a-f]{8}_[0-9a-f]{64}\n", out), out
        return out.strip()

    async def redis(self, *options):
        r = Redis(self, *options)
        self.redises.append(r)
        return await r.start()

    async def client(self, server, **kw):
        c = Client(f"c{len(self.clients)}")
        self.clients.append(c)
        return await c.open(server.ws, **kw)

    def deaf_client(self, server, keys, **kw):
        d = Deaf(server.ws, keys, **kw)
        self.deaf.append(d)
        return d

    async def close(self, is_failed):
        problem = None
        for c in self.clients:
            try:
                c.check()
            except AssertionError as e:
                problem = problem or e
            if hasattr(c, "ws"):
                await c.close()
        for d in self.deaf:
            d.close()
        for r in self.redises:
            if r.process and r.process.returncode is None:
                r.resume()
        for s in self.servers:
            try:
                if s.process.returncode is None:
                    await s.stop()
                elif not s.is_checked:
                    await s.ended()
                    s.check()
            except AssertionError as e:
                problem = problem or e
            if s.process.returncode is None:
                s.process.kill()
                await s.process.wait()
        for r in self.redises:
            await r.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        if problem and not is_failed:
            raise problem
