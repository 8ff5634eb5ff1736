# SPDX-License-Identifier: MIT
"""terminal: a program on a terminal of its own, and what a person would see there.

The terminal understands what `agnidata monitor` sends, and nothing else: a sequence that it does not
know fails the test. A cell is (character, style), the style as SGR numbers: "" is plain, "31" red."""
import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios

from base import SANITIZER, generous, until

CSI = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


class Screen:
    def __init__(self, cols, rows):
        self.modes, self.rest, self.style, self.drawn = set(), "", "", 0
        self.wraps = True
        self.resize(cols, rows)

    def resize(self, cols, rows):
        self.cols, self.rows = cols, rows
        self.main = [[(" ", "")] * cols for _ in range(rows)]
        self.cells = [[(" ", "")] * cols for _ in range(rows)]
        self.x = self.y = 0

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                m = CSI.match(text, at)
                if m:
                    self.sequence(m[1], m[2])
                    at = m.end()
                    continue
                if len(text) - at < 16 and re.fullmatch(r"\x1b(\[[?\d;]*)?", text[at:]):
                    self.rest = text[at:]
                    return
                raise AssertionError(f"an unknown sequence: {text[at:at + 20]!r}")
            self.character(text[at])
            at += 1

    def character(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.y += 1
            if self.y == self.rows:
                self.y -= 1
                self.cells = self.cells[1:] + [[(" ", "")] * self.cols]
        else:
            assert " " <= c <= "~", f"a control character on the terminal: {c!r}"
            self.cells[self.y][min(self.x, self.cols - 1)] = (c, self.style)
            self.x += 1

    def sequence(self, arguments, final):
        if final == "H" and arguments == "":
            self.x = self.y = 0
            self.drawn += 1
        elif final == "K" and arguments == "":
            for x in range(self.x, self.cols):
                self.cells[self.y][x] = (" ", "")
        elif final == "J" and arguments in ("", "2"):
            first = self.y if arguments == "" else 0
            for y in range(first, self.rows):
                for x in range(self.x if (y, arguments) == (self.y, "") else 0, self.cols):
                    self.cells[y][x] = (" ", "")
        elif final == "m":
            self.style = ";".join(a for a in arguments.split(";") if a not in ("", "0"))
        elif final in "hl" and arguments in ("?1049", "?25", "?7"):
            (self.modes.add if final == "h" else self.modes.discard)(arguments)
        else:
            raise AssertionError(f"an unknown sequence: {arguments!r} {final!r}")

    def line(self, y):
        return "".join(c for c, _ in self.cells[y]).rstrip()

    def lines(self):
        return [self.line(y) for y in range(self.rows)]

    def text(self):
        return "\n".join(self.lines())

    def styles(self, y):
        return {s for c, s in self.cells[y] if c != " "}


def mode_of(fd):
    """What the terminal does with keys, as a comparable value."""
    return termios.tcgetattr(fd)[:4]


class Terminal:
    """A program that runs on a pseudo-terminal, as the leader of a session of its own."""

    def __init__(self, *command, cols=80, rows=24, env=None):
        self.command, self.screen, self.raw = command, Screen(cols, rows), b""
        self.env = {**os.environ, "TERM": "xterm", **(env or {})}
        self.env.pop("COLUMNS", None)
        self.errors, self.exit_code, self.is_holding = b"", None, False
        self.screen.modes |= {"?25", "?7"}

    async def start(self):
        self.master, self.slave = pty.openpty()
        self._set_size(self.screen.cols, self.screen.rows)
        self.before = mode_of(self.slave)
        name = os.ttyname(self.slave)

        def take():
            os.setsid()
            os.close(os.open(name, os.O_RDWR))  # the first that a session opens is its own
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=self.slave, stdout=self.slave, stderr=asyncio.subprocess.PIPE,
            preexec_fn=take, env=self.env)
        os.set_blocking(self.master, False)
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(self.master, self._read)
        self.reading = asyncio.create_task(self._read_errors())
        return self

    async def _read_errors(self):
        self.errors = await self.process.stderr.read()

    def _read(self):
        try:
            data = os.read(self.master, 65536)
        except (BlockingIOError, OSError):
            return
        self.raw += data
        self.screen.feed(data.decode("ascii"))

    def hold(self):
        """From now on nobody reads what the program writes."""
        self.loop.remove_reader(self.master)

    def release(self):
        self.loop.add_reader(self.master, self._read)

    def _set_size(self, cols, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def resize(self, cols, rows):
        """As a window that is pulled; the kernel tells the program."""
        self.screen.resize(cols, rows)
        self._set_size(cols, rows)

    def send(self, keys):
        os.write(self.master, keys.encode())

    async def shows(self, *patterns, limit=10):
        """Waits until the screen holds each of the patterns."""
        try:
            await until(lambda: self.exit_code is not None or all(
                re.search(p, self.screen.text()) for p in patterns), limit, f"shows {patterns}")
        except AssertionError as e:
            raise AssertionError(f"{e}; the screen:\n{self.screen.text()}") from None
        return self.screen.text()

    async def lacks(self, pattern, limit=10):
        try:
            await until(lambda: not re.search(pattern, self.screen.text()), limit, f"no {pattern}")
        except AssertionError as e:
            raise AssertionError(f"{e}; the screen:\n{self.screen.text()}") from None

    async def ended(self, code, limit=10):
        """Waits for its end; the terminal is as it was before."""
        await until(lambda: self.process.returncode is not None, limit, "the program ends")
        await asyncio.wait_for(self.reading, generous(10))
        self.exit_code = self.process.returncode
        self._read()
        text = self.errors.decode()
        assert not SANITIZER.search(text), text
        assert self.exit_code == code, f"exit code {self.exit_code}, not {code}: {text}"
        self.check_restored()
        self.close()

    def check_restored(self):
        assert self.screen.modes == {"?25", "?7"}, f"modes left: {self.screen.modes}"
        assert mode_of(self.slave) == self.before, "the mode of the terminal is not what it was"

    async def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.close()

    def close(self):
        if self.master is not None:
            self.loop.remove_reader(self.master)
            os.close(self.master)
            os.close(self.slave)
            self.master = None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
