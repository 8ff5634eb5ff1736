# SPDX-License-Identifier: MIT
"""redis_server: a real redis-server, and the few words of its protocol that the tests need."""
import asyncio
import signal
import tempfile

from base import free_port, generous, until, want_program
from rest import loads


class Redis:
    """A real redis-server on a free port, in a folder of its own, that keeps nothing on disk."""

    def __init__(self, case, *options):
        self.binary = want_program("redis-server")
        self.folder = tempfile.mkdtemp(prefix="redis-", dir=case.folder)
        self.options, self.port, self.process, self.password = options, free_port(), None, ""

    @property
    def url(self):
        auth = f":{self.password}@" if self.password else ""
        return f"redis://{auth}127.0.0.1:{self.port}/0"

    async def start(self):
        for _ in range(5):
            self.process = await asyncio.create_subprocess_exec(
                self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", self.folder, *self.options,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL)
            await until(self._answers, 10, "Redis answers or has ended")
            if self.process.returncode is None:
                return self
            self.port = free_port()  # somebody else was quicker
        raise AssertionError("redis-server does not start")

    async def _answers(self):
        if self.process.returncode is not None:
            return True
        try:
            return await self.cmd("PING")
        except OSError:
            return False

    async def cmds(self, *commands):
        """The replies to several commands on one connection; an error reply is a RedisError."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if self.password:
                commands = (("AUTH", self.password), *commands)
            for c in commands:
                words = [str(w).encode() for w in c]
                writer.write(b"*%d\r\n" % len(words) +
                             b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            replies = [await asyncio.wait_for(self._reply(reader), generous(10)) for _ in commands]
            return replies[1:] if self.password else replies
        finally:
            writer.close()

    async def cmd(self, *words):
        return (await self.cmds(words))[0]

    async def _reply(self, reader):
        line = (await reader.readuntil(b"\r\n"))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
        if kind == b"*":
            return [await self._reply(reader) for _ in range(int(rest))]
        return rest.decode()

    async def quotes(self, keys):
        """The quotes of `keys`, or None where there is none."""
        values = await self.cmd("MGET", *(f"agni-sim:quote:{{{k}}}" for k in keys))
        return {k: v and loads(v) for k, v in zip(keys, values)}

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    async def kill(self):
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class RedisError(str):
    pass
