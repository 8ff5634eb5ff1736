# SPDX-License-Identifier: MIT
"""What reaches a client of /ws, compressed or not, and what becomes of those that read slowly, not
at all, or vanish: nobody else is delayed, memory stays flat, and no tick goes uncounted."""
import asyncio
import collections
import json
import os
import time
import zlib

from lib import (FLAVOUR, SLOW, START_DELAY_MS, Metronome, Skip, alone, difference, generous, loads, merge,
                 option_tape, span, until, upgrade, want_program)

NIFTY = "NSE_INDEX|Nifty 50"


async def live(t, sets=None):
    """A server in which every instrument has ticked, and the keys of all."""
    s = await t.server(sets)
    await s.live()
    return s, list(await s.quotes())


async def test_ws_deflate(t):
    """permessage-deflate carries the same content in fewer bytes; commands may be compressed too,
    and a small message that inflates beyond the limit is not taken."""
    path, messages = option_tape()
    want, ticks = merge(messages)
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS, "stream.deflate": "on"})
    await until(lambda: s.find("instrument master"), 5, "the master")
    plain, packed = await t.client(s), await t.client(s, compression="deflate")
    extensions = getattr(packed.ws, "extensions", None) or packed.ws.protocol.extensions
    assert extensions and not (getattr(plain.ws, "extensions", None) or [])
    for c in (plain, packed):
        await c.subscribe(list(want))
        assert c.frames == 0
    await s.logged("the tape has run out", 30)
    for c in (plain, packed):
        await c.wait(lambda c=c: c.quotes + c.conflated == ticks, 10, "every tick")
        for key, slot in want.items():
            assert not difference(c.state[key], slot), difference(c.state[key], slot)
    assert plain.state == packed.state and plain.seq == packed.seq
    bomb = await t.client(s, compression="deflate")
    await bomb.send("{}" + " " * 400000)
    await bomb.wait(lambda: bomb.closed, 5, "the close")
    assert bomb.closed == 1009, bomb.closed


async def test_ws_deflate_saves_bytes(t):
    """On the wire, for a client that asks for it, and only for that one."""
    s, keys = await live(t, {"stream.deflate": "on", "sim.speed": "10"})
    reader, writer = await asyncio.open_connection(*s.ws)
    writer.write(upgrade(Sec_WebSocket_Extensions="permessage-deflate; client_no_context_takeover; "
                                                  "server_no_context_takeover"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), generous(5))
    assert b"permessage-deflate" in head, head
    text = json.dumps({"action": "subscribe", "instruments": keys}).encode()
    packer = zlib.compressobj(wbits=-15)
    body = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    writer.write(b"\xc1" + size + b"\0\0\0\0" + body)
    unpacker, raw, got = zlib.decompressobj(wbits=-15), 0, 0
    end = time.monotonic() + generous(5)
    while got < 200000 and time.monotonic() < end:
        first, n = await asyncio.wait_for(reader.readexactly(2), generous(5))
        if n >= 126:
            n = int.from_bytes(await reader.readexactly(2 if n == 126 else 8), "big")
        payload = await reader.readexactly(n)
        raw += n
        if first & 0x40:
            payload = unpacker.decompress(payload + b"\0\0\xff\xff")
        loads(payload)
        got += len(payload)
    writer.close()
    assert got >= 200000 and raw < got / 2, f"{raw} bytes on the wire for {got}"


async def test_ws_slow_reader_loses_no_count(t):
    """It does not read while 20,000 ticks go by at full speed. Then it reads: the newest state,
    and the conflated ticks are accounted for to the last one."""
    path, messages = option_tape()
    want, ticks = merge(messages)
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS, "stream.sndbuf_bytes": "8192",
                        "stream.stall_ms": "60000"})
    await until(lambda: s.find("instrument master"), 5, "the master")
    slow, good = t.deaf_client(s, list(want)), await t.client(s)
    await good.subscribe(list(want))
    assert good.frames == 0
    await s.logged("the tape has run out", 30)
    await good.wait(lambda: good.quotes + good.conflated == ticks, 10, "every tick")
    assert (await s.metrics())["agnidata_stream_full_total"] >= 1, "it was not slow"
    state, count, seq = {}, [0, 0], 0

    def is_complete(frames):
        nonlocal seq
        while frames:
            m = loads(frames.pop(0)[1])
            if m["type"] != "market_data":
                continue
            assert int(m["seq"]) >= seq
            seq = int(m["seq"])
            count[0] += len(m["data"])
            count[1] += int(m.get("conflated", 0))
            for q in m["data"]:
                assert int(q["seq"]) > int(state.get(q["key"], {"seq": 0})["seq"])
                state[q["key"]] = q
        return seq == ticks
    await slow.frames(is_complete, 10, "the newest state")
    assert sum(count) == ticks, f"{count[0]} quotes and {count[1]} conflated of {ticks} ticks"
    assert count[1] > good.conflated, "the slow one got as many frames as the good one"
    for key, slot in want.items():
        assert not difference(state[key], slot)
    assert state == good.state


async def test_ws_three_policies(t):
    """20,000 ticks at full speed to a client of each policy, and to one that has all three: every tick,
    or the newest state and a count that adds up to the last one; an interval is never shorter than asked."""
    path, messages = option_tape()
    want, ticks = merge(messages)
    keys = list(want)
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS})
    await until(lambda: s.find("instrument master"), 5, "the master")
    every, newest, paced, mixed = [await t.client(s) for _ in range(4)]
    seqs, counts, begin = [], collections.Counter(), time.monotonic()
    every.on_quote = lambda q: seqs.append(int(q["seq"]))
    paced.on_quote = lambda q: counts.update([q["key"]])
    await every.subscribe(keys, policy="all")
    await newest.subscribe(keys)
    await paced.subscribe(keys, policy="interval", interval_ms=300)
    third = len(keys) // 3
    await mixed.subscribe(keys[:third], policy="all")
    await mixed.subscribe(keys[third:2 * third], policy="interval", interval_ms=50)
    await mixed.subscribe(keys[2 * third:])
    assert not any(c.frames for c in (every, newest, paced, mixed))
    await s.logged("the tape has run out", 30)
    for c in (every, newest, paced, mixed):
        await c.wait(lambda c=c: c.seq == ticks, 10, "the last tick")
    assert seqs == list(range(1, ticks + 1)), f"{len(seqs)} of {ticks} ticks, or not in order"
    for c in (newest, paced, mixed):
        assert c.ticks + c.conflated == ticks, f"{c.ticks} and {c.conflated} of {ticks}"
    for key, slot in want.items():
        assert not difference(paced.state[key], slot), difference(paced.state[key], slot)
        assert paced.state[key] == newest.state[key]
    assert all(mixed.state[k] == newest.state[k] for k in keys[third:])
    assert all(mixed.seqs[k] == newest.seqs[k] for k in keys)
    most = max(counts.values())
    assert most <= (time.monotonic() - begin) / 0.3 + 1, f"{most} quotes of one instrument"
    assert paced.frames < newest.frames


@alone
async def test_ws_slow_readers_cost_nothing(t):
    """Twenty that never read, at 10,000 ticks a second: memory flat, others not delayed, and after
    stream.stall_ms they are closed with 4008."""
    s, keys = await live(t, {"sim.speed": "100", "stream.sndbuf_bytes": "8192",
                             "stream.stall_ms": "8000"})
    good = await t.client(s)
    await good.subscribe(keys)
    await good.flows()
    metronome = Metronome(s)
    calm = metronome.worst_pause(good, *await span(1.5, good.check))
    begin = time.monotonic()
    deaf = [t.deaf_client(s, keys) for _ in range(20)]

    async def are_full():
        return (await s.metrics())["agnidata_stream_full_total"] >= 20
    await until(are_full, 10, "twenty full sockets")
    rss = (await s.metrics())["process_resident_memory_bytes"]
    await span(1.5, good.check)
    m = await s.metrics()
    assert m["agnidata_stream_stalled_total"] == 0
    assert FLAVOUR != "release" or m["process_resident_memory_bytes"] - rss < 2 << 20, (
        f"memory grew by {m['process_resident_memory_bytes'] - rss} bytes")
    gap = metronome.worst_pause(good, begin, time.monotonic())
    metronome.demand(gap <= calm + 0.1 * SLOW, begin,
                     f"a pause of {gap * 1000:.0f} ms at a good client, before "
                     f"{calm * 1000:.0f} ms")
    metronome.stop()

    async def are_stalled():
        return (await s.metrics())["agnidata_stream_stalled_total"] == 20
    await until(are_stalled, 10, "all are given up")
    assert s.find(r"stream: client [0-9a-f]{16} takes nothing for 8000 ms: closed")
    frames = await deaf[0].frames(lambda got: any(op == 8 for op, _ in got), 5, "a close frame")
    close = next(p for op, p in frames if op == 8)
    assert int.from_bytes(close[:2], "big") == 4008 and close[2:] == b"the client does not read"
    assert all(loads(p) for op, p in frames if op == 1), "what came before is whole"

    async def are_gone():
        return (await s.metrics())["agnidata_stream_clients"] == 1
    await until(are_gone, 10, "their places are free")


async def test_ws_crowd_gives_its_memory_back(t):
    """A thousand come, are served, and leave: the process is as large as before."""
    if FLAVOUR != "release":
        raise Skip("the memory of a checked build says nothing")
    s, keys = await live(t)

    async def rss():
        return (await s.metrics())["process_resident_memory_bytes"]

    async def of_clients(n):
        async def is_so():
            return (await s.metrics())["agnidata_stream_clients"] == n
        await until(is_so, 30, f"{n} clients")
    before = await rss()
    # Something small that comes late stays above what they had.
    crowd = [await t.client(s) for _ in range(1000)]
    last = await t.client(s)
    for c in crowd:
        c.is_idle = True
        await c.send({"action": "subscribe", "instruments": keys, "mode": "full"})
    for c in crowd:
        await c.wait(lambda c=c: c.frames > 1, 30, "the answer and a frame")
    grown = await rss() - before
    assert grown > 4 << 20, grown
    for c in crowd:
        await c.close()
    await of_clients(1)

    async def is_back():
        return await rss() - before < grown / 4
    await until(is_back, 10, f"a quarter of the {grown} bytes that they took, at most")
    await last.close()


async def test_ws_clients_that_vanish(t):
    """Cut without a goodbye, in all states: their places and descriptors come back."""
    s, keys = await live(t, {"sim.speed": "50", "stream.sndbuf_bytes": "8192"})
    before = (await s.metrics())["process_open_fds"]
    for i in range(30):
        d = t.deaf_client(s, keys)
        if i % 3 == 0:
            d.sock.send(b"\x81\xfe\x01")  # in the middle of a frame
        if i % 3 == 1:
            d.close()
    for d in t.deaf:
        d.close()

    async def is_empty():
        m = await s.metrics()
        return m["agnidata_stream_clients"] == 0 and m["process_open_fds"] <= before
    await until(is_empty, 10, "places and descriptors are free")
    c = await t.client(s)
    await c.subscribe(keys)
    await c.flows()


async def test_ws_wscat(t):
    """The client that most people try first."""
    wscat = want_program("wscat")
    s, _ = await live(t)
    command = json.dumps({"action": "subscribe", "instruments": [NIFTY]})
    p = await asyncio.create_subprocess_exec(
        wscat, "-c", f"ws://127.0.0.1:{s.ws[1]}/ws", "-w", "2", "-x", command,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
    out, _ = await asyncio.wait_for(p.communicate(), generous(20))
    assert b'"connection"' in out and b'"market_data"' in out and b'"snapshot":true' in out, out
