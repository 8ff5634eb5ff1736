# SPDX-License-Identifier: MIT
"""Today's candles in the broker's form, against the exchange's minutes of a recorded day, read from the
recording apart from the server."""
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from lib import START_DELAY_MS, option_tape, quote_key, until

IST = timezone(timedelta(hours=5, minutes=30))
PATH = "/v3/historical-candle/intraday/"
MINUTE = 60000


def instant(text):
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    assert text.endswith("+05:30"), text
    return int(at.timestamp() * 1000)


async def candles(s, key, unit, n):
    r = await s.get(f"{PATH}{quote_key(key)}/{unit}/{n}")
    assert r.status == 200, r.body
    rows = r.data()["candles"]
    starts = [instant(row[0]) for row in rows]
    assert starts == sorted(set(starts), reverse=True), starts  # newest first
    return {start: row[1:] for start, row in zip(starts, rows)}


def recorded(messages):
    """By key: the exchange's minutes by start, the day's bar, and the market time of the first message."""
    minutes, day, first = {}, {}, {}
    for m in messages:
        for key, entry in m.get("feeds", {}).items():
            full = entry["fullFeed"]["marketFF"]
            first.setdefault(key, int(m["currentTs"]))
            for bar in full.get("marketOHLC", {}).get("ohlc", []):
                if bar["interval"] == "I1":
                    minutes.setdefault(key, {})[int(bar["ts"])] = bar
                elif bar["interval"] == "1d":
                    day[key] = bar
    return minutes, day, first


def values(bars):
    """Open, high, low, close and volume of minutes put together."""
    d = [{k: Decimal(b.get(k, "0")) for k in ("open", "high", "low", "close", "vol")} for b in bars]
    return [d[0]["open"], max(b["high"] for b in d), min(b["low"] for b in d), d[-1]["close"],
            sum(b["vol"] for b in d)]


def midnight(ms):
    return (ms + 19800000) // 86400000 * 86400000 - 19800000


async def test_upstox_candles_of_a_recorded_day(t):
    path, messages = option_tape()
    minutes, day, first = recorded(messages)
    now = max(int(m["currentTs"]) for m in messages)
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed"})

    async def is_played():
        return (await s.metrics())["agnidata_sim_messages_total"] >= len(messages) and \
            len(await s.quotes()) == len(minutes)
    await until(is_played, 60, "the recording is played")
    for key, of in minutes.items():
        have = await candles(s, key, "minutes", 1)
        assert have.keys() == of.keys() and len(have) > 20, (key, have.keys() ^ of.keys())
        for start, bar in of.items():
            assert [Decimal(v) for v in have[start][:5]] == values([bar]), (key, start, have[start], bar)
            assert Decimal(have[start][5]) > 0 or start < first[key], (key, start, have[start])  # OI
        for n in (3, 5, 15):
            base, length, want = midnight(now) + 555 * MINUTE, n * MINUTE, {}
            for start in sorted(of):
                want.setdefault(base + (start - base) // length * length, []).append(of[start])
            have = await candles(s, key, "minutes", n)
            # Those that are not over, or began before the first message, are left out.
            for start in list(want):
                if start + length > now or first[key] >= start + 2 * MINUTE:
                    del want[start]
            assert have.keys() == want.keys() and have, (key, n, have.keys() ^ want.keys())
            for start, bars in want.items():
                assert [Decimal(v) for v in have[start][:5]] == values(bars), (key, n, start)
        halves = await candles(s, key, "minutes", 30)
        r = await s.get(f"/v3/market-quote/ohlc?interval=I30&instrument_key={quote_key(key)}")
        (quote,) = r.data().values()
        assert halves and quote["live_ohlc"] is None, (key, quote)
        prev = quote["prev_ohlc"]
        assert int(prev["ts"]) == max(halves), (key, prev, halves)
        assert [prev[n] for n in ("open", "high", "low", "close", "volume")] == halves[max(halves)][:5]
        one, = (await candles(s, key, "days", 1)).items()
        assert one[0] == midnight(now), one
        assert [Decimal(v) for v in one[1][:5]] == values([day[key]]), (one, day[key])


async def test_upstox_candles_requests(t):
    s = await t.server()
    await s.live()
    nifty = PATH + "NSE_INDEX%7CNifty%2050"
    for target, status, code in (
            (PATH + "NIFTY/minutes/1", 400, "UDAPI1021"), (nifty + "/weeks/1", 400, "UDAPI1146"),
            (nifty + "/minutes/0", 400, "UDAPI1147"), (nifty + "/minutes/301", 400, "UDAPI1147"),
            (nifty + "/hours/6", 400, "UDAPI1147"), (nifty + "/days/2", 400, "UDAPI1147"),
            (nifty + "/minutes/one", 400, "UDAPI1147"),
            (PATH + "NSE_INDEX%7CNone/minutes/1", 400, "UDAPI100011"),
            ("/v3/historical-candle/NSE_INDEX%7CNifty%2050/days/1/2026-11-19", 404, "UDAPI100060")):
        r = await s.get(target)
        assert (r.status, r.error()) == (status, code), (target, r.status, r.body)


async def test_upstox_candles_in_scope(t):
    key = await t.key("--role", "viewer", "--scope", "NSE_INDEX|*")
    s = await t.server()
    headers = (f"Authorization: Bearer {key}",)

    async def is_known():
        r = await s.get(PATH + "NSE_INDEX%7CNifty%2050/days/1", headers=headers)
        return r.status == 200 and len(r.data()["candles"]) == 1
    await until(is_known, 15, "a candle of the index")
    r = await s.get(PATH + "NSE_EQ%7CINE467B01029/days/1", headers=headers)
    assert r.error() == "UDAPI100011", r.body
    assert (await s.get(PATH + "NSE_INDEX%7CNifty%2050/days/1")).status == 401


async def test_upstox_candles_of_what_nobody_watches(t):
    """What came after the last message is not known: a candle that goes on behind it is not whole."""
    tcs = "NSE_EQ|INE467B01029"
    s = await t.server({"sim.speed": "400", "instruments.watch": "NSE_INDEX|Nifty 50",
                        "upstream.linger_s": "0"})
    await s.live()
    c = await t.client(s)
    await c.subscribe([tcs], "full")

    async def some():
        have = await candles(s, tcs, "minutes", 3)
        return have if len(have) >= 3 else None
    await until(some, 20, "three candles")
    assert len(await candles(s, tcs, "days", 1)) == 1
    await c.ws.send(f'{{"action":"unsubscribe","instruments":["{tcs}"]}}')

    async def has_been_quiet():
        q, index = await s.quote(tcs), await s.quote("NSE_INDEX|Nifty 50")
        return q.get("stale") and int(index["ts_ms"]) > int(q["ts_ms"]) + 6 * MINUTE
    await until(has_been_quiet, 20, "six minutes in which nobody watches it")
    last = int((await s.quote(tcs))["ts_ms"])
    have = await candles(s, tcs, "minutes", 3)
    assert have and all(start + 3 * MINUTE <= last for start in have), (last, have)
    assert await candles(s, tcs, "days", 1) == {}
