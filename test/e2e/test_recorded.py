# SPDX-License-Identifier: MIT
"""A recording goes in at the broker's end, and comes out the same at each of ours: REST, Redis and
a client that was connected throughout, field for field and digit for digit."""
import time

from lib import LONG, START_DELAY_MS, data, difference, merge, option_tape, read_jsonl, until


async def play(t, tape, want, ticks, speed, mode_limit=40):
    """Plays a tape to its end; server, client and Redis as they are then."""
    redis = await t.redis()
    s = await t.server({"sim.source": "tape", "sim.tape": tape, "sim.speed": speed,
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed",
                        "redis.url": redis.url})
    c = await t.client(s)
    results = await c.subscribe(list(want))
    assert set(results.values()) == {"subscribed"}, results
    assert c.quotes == 0, "the tape began before the client had subscribed"
    await s.logged("the tape has run out", mode_limit)

    async def all_is_out():
        m = await s.metrics()
        return (m["agnidata_feed_ticks_total"] >= ticks and m["agnidata_store_dirty"] == 0 and
                c.quotes + c.conflated >= ticks)
    await until(all_is_out, 10, f"{ticks} ticks are with everybody")
    return s, c, redis


async def compare(s, c, redis, want):
    """REST (one by one, and all at once), Redis, and the client, against the recording."""
    cached, listed = await redis.quotes(list(want)), await s.quotes()
    assert listed.keys() == want.keys() == c.state.keys()
    for key, slot in want.items():
        single = await s.quote(key)
        for q in (single, listed[key]):
            assert q["stale"] is False and int(q["age_ms"]) >= 0, (key, q["stale"], q["age_ms"])
        for where, q in (("/quotes/{key}", single), ("/quotes", listed[key]),
                         ("Redis", cached[key]), ("the client", c.state[key])):
            assert q["key"] == key
            assert not difference(q, slot), f"{where}: {key}: {difference(q, slot)}"
            assert q["seq"] == single["seq"] and q["recv_ms"] == single["recv_ms"], where


async def counts(s, c, messages, ticks):
    """Nothing lost, nothing doubled, anywhere on the way."""
    m = await s.metrics()
    assert m["agnidata_feed_bad_frames_total"] == m["agnidata_feed_rejected_fields_total"] == 0
    assert m["agnidata_feed_unknown_keys_total"] == m["agnidata_sim_conflated_total"] == 0
    assert m["agnidata_feed_connects_total"] == 1 and m["agnidata_feed_stalls_total"] == 0
    assert m["agnidata_feed_frames_total"] == m["agnidata_sim_messages_total"]
    # Beside the tape's own there is a market_info at the start and one at the end.
    assert m["agnidata_feed_frames_total"] == messages + 2, m["agnidata_feed_frames_total"]
    for name in ("feed_ticks_total", "book_ticks_total", "tape_seq"):
        assert m["agnidata_" + name] == ticks, f"{name}: {m['agnidata_' + name]}, not {ticks}"
    assert c.quotes + c.conflated == ticks, (c.quotes, c.conflated)
    assert c.snapshots == 0 and c.seq == ticks == max(c.seqs.values())


async def test_recorded_frames(t):
    """36 instruments at twice the speed of the recording (AGNI_LONG: as recorded): messages are far
    enough apart for each to reach the client in a frame of its own."""
    messages = list(read_jsonl(data("ticks/upstox_frames_20260123_a.jsonl.gz")))
    want, ticks = merge(messages)
    assert len(want) == 36 and ticks == 612
    speed, begin = 1 if LONG else 2, time.monotonic()
    s, c, redis = await play(t, data("ticks/upstox_frames_20260123_a.pbs"), want, ticks, str(speed))
    assert time.monotonic() - begin > 10 / speed, "the tape was played too fast"
    await compare(s, c, redis, want)
    await counts(s, c, len(messages), ticks)
    assert c.frames > 60, c.frames
    h = await s.health()
    assert h["status"] == "UP" and h["stale"] is False and h["source"] == "sim", h
    assert h["market_time"].startswith("2026-01-23T14:59:3"), h["market_time"]


async def test_recorded_options_at_full_speed(t):
    """8,912 messages as fast as they are taken: 20,000 ticks, none lost, none doubled."""
    path, messages = option_tape()
    want, ticks = merge(messages)
    assert len(messages) == 8912 and ticks == 20000
    s, c, redis = await play(t, path, want, ticks, "max")
    await compare(s, c, redis, want)
    await counts(s, c, len(messages), ticks)


async def test_recorded_misc(t):
    """An unknown segment, an empty bar, and a currentTs that goes back."""
    messages = list(read_jsonl(data("ticks/upstox_frames_misc.jsonl.gz")))
    want, ticks = merge(messages)
    assert ticks == 2
    s, c, redis = await play(t, data("ticks/upstox_frames_misc.pbs"), want, ticks, "max")
    await compare(s, c, redis, want)
    await s.logged("market_info: NSE_COM NORMAL_OPEN")
