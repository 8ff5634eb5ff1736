#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""screenshot: the pictures of docs/monitor.md, from a real run: a Redis, a server on the simulated
exchange, and the monitor on a pseudo-terminal; what it has drawn becomes an SVG, colours and all.

    screenshot.py [FOLDER]      monitor.svg, monitor-chain.svg, ... in FOLDER (docs)
"""
import asyncio
import os
import re
import sys
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "e2e"))

import lib  # noqa: E402
from terminal import Terminal  # noqa: E402

WIDTH, HEIGHT, SIZE, EDGE = 8.43, 18, 14, 10
BACK, PLAIN = "#16181d", "#d8dae0"
COLOURS = {"": PLAIN, "2": "#7d828d", "1": "#ffffff", "32": "#57c984", "31": "#f0686c",
           "33": "#e5c05c", "7": BACK}


def runs(cells):
    """Neighbours of one style."""
    start = 0
    for x in range(1, len(cells) + 1):
        if x == len(cells) or cells[x][1] != cells[start][1]:
            yield start, "".join(c for c, _ in cells[start:x]), cells[start][1]
            start = x


def svg(screen):
    wide, high = screen.cols * WIDTH + 2 * EDGE, screen.rows * HEIGHT + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high}" '
           f'viewBox="0 0 {wide:.0f} {high}">',
           f'<rect width="100%" height="100%" rx="6" fill="{BACK}"/>',
           f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE}">']
    for y, cells in enumerate(screen.cells):
        for x, text, style in runs(cells):
            left, top = EDGE + x * WIDTH, EDGE + y * HEIGHT
            if style == "7":
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{len(text) * WIDTH:.1f}" '
                           f'height="{HEIGHT}" fill="{PLAIN}"/>')
            weight = ' font-weight="bold"' if style == "1" else ""
            for m in re.finditer(r"\S+( \S+)*", text):  # two spaces would become one
                out.append(f'<text x="{left + m.start() * WIDTH:.1f}" y="{top + SIZE}" '
                           f'textLength="{len(m[0]) * WIDTH:.1f}" fill="{COLOURS[style]}"{weight}>'
                           f'{escape(m[0])}</text>')
    return "\n".join([*out, "</g>", "</svg>"]) + "\n"


async def draw(folder):
    case = lib.Case("screenshot")
    try:
        redis = await case.redis()
        server = await case.server({"redis.url": redis.url, "signals.apps": "simple,redis,options,futures",
                                    "options.chains": "NIFTY", "futures.underlyings": "NIFTY"})
        await server.live()
        keys = list(await server.quotes())
        for mode in ("full", "ltpc"):
            client = await case.client(server)
            await client.subscribe(keys[:5] if mode == "ltpc" else keys)
        url = f"redis://127.0.0.1:{redis.port}"
        term = Terminal(lib.BINARY, "monitor", "--redis", url, cols=112, rows=30)
        await term.start()
        try:
            await term.shows("connected", "server .* UP", "chain 1", "futures 1", "clients 2",
                             "NIFTY 2", limit=30)
            for key, name, pattern in (("1", "monitor.svg", r" \^ "),
                                       ("2", "monitor-chain.svg", "max pain"),
                                       ("3", "monitor-futures.svg", "near 20"),
                                       ("4", "monitor-clients.svg", "latest")):
                term.send(key)
                await term.shows(rf"\[{key} ", pattern, limit=20)
                drawn = term.screen.drawn
                await lib.until(lambda: term.screen.drawn > drawn + 3, 20, "some screens more")
                with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                    f.write(svg(term.screen))
            term.send("q")
            await term.ended(0)
        finally:
            await term.kill()
    finally:
        await case.close(True)


if __name__ == "__main__":
    asyncio.run(draw(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "docs")))
