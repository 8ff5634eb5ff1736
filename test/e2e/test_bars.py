# SPDX-License-Identifier: MIT
"""Bars: from ticks, by exchange time; over a kill; as a channel; and against the exchange's own
minutes of a recorded day."""
import asyncio
import csv
import gzip
import os
from decimal import Decimal

from lib import START_DELAY_MS, data, until
from rest import loads, quote_key
from tape import kill
from test_tape_tool import tool

MINUTE = 60000


def settings(t, **more):
    return {"sim.speed": "400", "server.data_dir": os.path.join(t.folder, "var"),
            "sim.start": "2026-11-20T09:15:00", "redis.url": "", **more}


async def market(t, **more):
    """A server on the simulated exchange, and its instruments, when each has state."""
    s = await t.server(settings(t, **more))

    async def all_have_state():
        return len(await s.quotes()) == 41
    await until(all_have_state, 15, "every instrument has state")
    return s, sorted(await s.quotes())


async def bars_of(s, key, **query):
    text = "&".join(f"{k.rstrip('_')}={v}" for k, v in query.items())
    r = await s.get(f"/bars/{quote_key(key)}?{text}")
    assert r.status == 200, (r.status, r.body)
    return r.data()


def from_ticks(ticks):
    """Minutes as arithmetic says: open and close by the time of trade, volume by the day's volume."""
    out, vtt, last = {}, None, None
    for q in ticks:
        if "ltp" not in q:
            continue
        price = Decimal(q["ltp"])
        trade = (int(q["ltt"]), price, q.get("vtt", last and last[2]))
        if trade == last:
            continue
        last = trade
        start, volume = trade[0] // MINUTE * MINUTE, 0
        if "vtt" in q:
            # The first one of the day: before it there was nothing.
            before = vtt if vtt is not None else 0 if q["vtt"] == q.get("ltq") else int(q["vtt"])
            volume = max(0, int(q["vtt"]) - before)
            vtt = max(vtt or 0, int(q["vtt"]))
        b = out.setdefault(start, {"open": price, "high": price, "low": price, "close": price,
                                   "volume": 0, "first": trade[0], "last": trade[0]})
        if trade[0] < b["first"]:
            b["open"], b["first"] = price, trade[0]
        b["high"], b["low"] = max(b["high"], price), min(b["low"], price)
        if trade[0] >= b["last"]:
            b["close"], b["last"] = price, trade[0]
        b["volume"] += volume
    return out


def check_bar(bar, want, where):
    for name in ("open", "high", "low", "close"):
        assert Decimal(bar[name]) == Decimal(want[name]), (where, name, bar, want)
    if "volume" in bar:
        assert int(bar["volume"]) == want["volume"], (where, bar, want)


async def test_bars_of_a_market(t):
    """Every minute of every instrument is what its ticks on the tape say, and longer bars are made
    of these minutes."""
    s, keys = await market(t)

    async def minutes_have_passed():
        bars = (await bars_of(s, keys[0], interval="1m"))["bars"]
        return len([b for b in bars if b["state"] == "final"]) >= 7
    await until(minutes_have_passed, 20, "seven whole minutes")
    # The market goes on meanwhile: what is over here is over there.
    fives = {k: (await bars_of(s, k, interval="5m"))["bars"] for k in keys}
    shown = {k: {int(b["start_ms"]): b for b in (await bars_of(s, k, interval="1m"))["bars"]}
             for k in keys}
    m = await s.metrics()
    assert m["agnidata_bars_trades_total"] > 1000 and m["agnidata_bars_contradictions_total"] == 0
    await s.stop()
    out, _ = await tool("dump", os.path.join(t.folder, "var", "tape", "sim"))
    ticks = {}
    for line in out.splitlines():
        q = loads(line)
        if "key" in q:
            ticks.setdefault(q["key"], []).append(q)
    compared = 0
    for key in keys:
        want = from_ticks(ticks[key])
        for start, bar in shown[key].items():
            if bar["state"] == "partial":
                continue
            check_bar(bar, want[start], key)
            compared += 1
        for five in fives[key]:
            if five["state"] == "partial":
                continue
            parts = [shown[key][x] for x in shown[key] if 0 <= x - int(five["start_ms"]) < 300000]
            check_bar(five, {"open": parts[0]["open"], "close": parts[-1]["close"],
                             "high": max(Decimal(p["high"]) for p in parts),
                             "low": min(Decimal(p["low"]) for p in parts),
                             "volume": sum(int(p.get("volume", 0)) for p in parts)}, key)
    assert compared > 5 * len(keys) / 2, compared


async def over_a_kill(t, **more):
    s, (key, *_) = await market(t, **more)

    async def final(n):
        bars = (await bars_of(s, key, interval="1m"))["bars"]
        return [b for b in bars if b["state"] == "final"] if len(bars) > n else None
    before = await until(lambda: final(5), 20, "some minutes")
    newest = int(before[-1]["start_ms"])
    await kill(s)
    # The market goes on without us for ten minutes.
    s = await t.server(settings(t, **{"sim.start": "2026-11-20T09:40:00", **more}))
    await s.logged("the day's bars are whole again", 20)
    answer = await bars_of(s, key, interval="1m")
    assert answer["rebuilding"] is False
    after = {b["start_ms"]: b for b in answer["bars"]}
    assert [after[b["start_ms"]] for b in before] == before

    async def goes_on():
        bars = (await bars_of(s, key, interval="1m"))["bars"]
        return [b for b in bars if b["state"] == "final" and int(b["start_ms"]) > newest + 3 * MINUTE]
    assert await until(goes_on, 20, "whole minutes behind the start")
    half_hour = (await bars_of(s, key, interval="30m"))["bars"][0]
    assert half_hour["state"] == "partial", half_hour
    await s.stop()


async def test_bars_over_a_kill(t):
    """What was final before kill -9 is there afterwards, digit for digit; what the server did not see
    is called partial."""
    await over_a_kill(t)


async def test_bars_over_a_kill_sync_turn(t):
    """The same when ticks take the way over the disk."""
    await over_a_kill(t, **{"tape.sync": "turn"})


async def test_bars_channel(t):
    """Bars as they form, end and are amended: each that ends is told as final, in order, and equals
    what /bars says."""
    s, (key, *_) = await market(t, **{"sim.speed": "120"})
    channel, told, states = f"bars:1m:{key}", {}, []
    c = await t.client(s)
    take = c._take

    def see(m, now):
        if m["type"] != "bars":
            take(m, now)
            return
        assert m["channel"] == channel, m
        for b in m["data"]:
            states.append((int(b["start_ms"]), b["state"]))
            told[b["start_ms"]] = b
    c._take = see
    r = await c.ask({"action": "subscribe", "channels": [channel, "bars:2m:" + key, "bars:1m:X|1",
                                                         "bars:1m"]})
    assert [x["status"] for x in r["results"]] == [
        "subscribed", "unknown_channel", "unknown_instrument", "unknown_channel"], r
    r = await c.ask({"action": "subscriptions"})
    assert r["channels"] == ["status", channel], r
    await c.wait(lambda: len([1 for x in told.values() if x["state"] == "final"]) >= 4, 20,
                 "four whole minutes")
    seen = dict(told)
    listed = {b["start_ms"]: b for b in (await bars_of(s, key, interval="1m"))["bars"]}
    final = [b for b in seen.values() if b["state"] == "final"]
    assert all(listed[b["start_ms"]] == b or listed[b["start_ms"]]["state"] == "amended"
               for b in final), (final, listed)
    starts = [x for x, state in states if state == "final"]
    assert starts == sorted(starts) and len(starts) == len(set(starts)), states
    assert any(state == "partial" for _, state in states)
    r = await c.ask({"action": "unsubscribe", "channels": [channel, channel, "bars:1m:X|1"]})
    assert [x["status"] for x in r["results"]] == ["unsubscribed", "not_subscribed",
                                                   "not_subscribed"], r
    n = len(states)
    await asyncio.sleep(1)
    assert len(states) == n
    await s.stop()


async def test_bars_requests(t):
    """What is asked for wrongly is told so; ranges and limits."""
    s, (key, *_) = await market(t)
    path = f"/bars/{quote_key(key)}"

    async def some():
        return len((await bars_of(s, key, interval="1s"))["bars"]) >= 60
    await until(some, 20, "a minute of seconds")
    for query in ("interval=2m", "from=yesterday", "to=12x", "limit=many"):
        r = await s.get(f"{path}?{query}")
        assert (r.status, r.error()) == (400, "bad_request"), (query, r.status, r.body)
    for target, status, code in (("/bars/nonsense", 400, "invalid_instrument"),
                                 ("/bars/NSE_EQ%7CNONE", 404, "unknown_instrument")):
        r = await s.get(target)
        assert (r.status, r.error()) == (status, code), (target, r.status, r.body)
    bars = (await bars_of(s, key, interval="1s"))["bars"]
    newest = (await bars_of(s, key, interval="1s", limit=3))["bars"]
    assert len(newest) == 3 and int(newest[0]["start_ms"]) >= int(bars[-3]["start_ms"])
    part = (await bars_of(s, key, interval="1s", from_=bars[10]["start_ms"],
                          to=bars[20]["start_ms"]))["bars"]
    assert [b["start_ms"] for b in part] == [b["start_ms"] for b in bars[10:20]]
    iso = bars[10]["start"].replace("+05:30", "")
    part = (await bars_of(s, key, interval="1s", from_=iso, to=bars[20]["start_ms"]))["bars"]
    assert [b["start_ms"] for b in part] == [b["start_ms"] for b in bars[10:20]]
    await s.stop()


def exchange_minutes(path):
    """The last word of the recording on each minute, by key."""
    out = {}
    with gzip.open(path, "rt") as f:
        for row in csv.DictReader(f):
            if row["m_ts"]:
                out.setdefault(row["key"], {})[int(row["m_ts"])] = [
                    Decimal(row["m_" + x]) for x in ("open", "high", "low", "close", "vol")]
    return out


async def recorded_day(t, relative, least_close, least_volume):
    """Ours against the exchange's: the recording tells the last trade twice a second, not each, so
    ours may be narrower, and what was traded at the edge of a minute may be told in the next; it may
    never show a price that the exchange's minute does not. The first minute, and those at the holes
    of the recording, are in here as well."""
    path = data(relative)
    want = exchange_minutes(path)
    await tool("import", path, "--out", t.folder + "/in", limit=60)
    s = await t.server(settings(t, **{"sim.source": "tape", "sim.tape": t.folder + "/in/import",
                                      "sim.speed": "max", "sim.start_delay_ms": START_DELAY_MS}))
    await s.logged("the tape has run out", 60)
    same = dict.fromkeys(("open", "high", "low", "close", "volume"), 0)
    n = 0
    for key, minutes in want.items():
        ours = {int(b["start_ms"]): b
                for b in (await bars_of(s, key, interval="1m", limit=2000))["bars"]}
        for start, theirs in minutes.items():
            b = ours.get(start)
            if not b:
                continue
            n += 1
            got = [Decimal(b[x]) for x in same]
            assert theirs[2] <= got[2] <= got[1] <= theirs[1], (key, start, b, theirs)
            assert theirs[2] <= got[0] <= theirs[1] and theirs[2] <= got[3] <= theirs[1]
            for name, a, e in zip(same, got, theirs):
                same[name] += a == e
            shown = [Decimal(b["exchange"][x]) for x in same]
            assert shown == theirs, (key, start, shown, theirs)
        assert len(minutes) - sum(x in ours for x in minutes) <= 4, "minutes in a hole"
        day = (await bars_of(s, key, interval="1d"))["bars"][0]
        assert day["volume"] == (await s.quote(key))["vtt"]
    m = await s.metrics()
    await s.stop()
    assert m["agnidata_bars_contradictions_total"] == 0
    assert m["agnidata_bars_compared_total"] > 0.95 * n
    assert same["close"] >= least_close * n and same["volume"] >= least_volume * n, (n, same)
    assert same["high"] >= 0.75 * n and same["low"] >= 0.75 * n and same["open"] >= 0.6 * n


async def test_bars_of_a_recorded_day(t):
    """Five options, 1,756 minutes."""
    await recorded_day(t, "ticks/upstox_banknifty_opt_20251215.csv.gz", 0.95, 0.9)


async def test_bars_of_a_recorded_day_of_shares(t):
    """Two shares, 702 minutes: they trade on after 15:30."""
    await recorded_day(t, "ticks/upstox_equity_20251215.csv.gz", 0.95, 0.88)


test_bars_of_a_recorded_day.limit = test_bars_of_a_recorded_day_of_shares.limit = 120
