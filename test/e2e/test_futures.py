# SPDX-License-Identifier: MIT
"""The futures of an underlying over REST, reckoned again from /quotes by plain arithmetic."""
import json
import math
import os
from decimal import Decimal

from lib import until

SPOT = "NSE_INDEX|Nifty 50"
MONTHS = ["near", "next", "far"]


async def futures(s, target="NIFTY", **kw):
    r = await s.get("/futures/" + target, **kw)
    assert r.status == 200, r.body
    return r.data()


async def three_months(t, sets=None):
    s = await t.server({"sim.speed": "10", **(sets or {})})
    await s.live()

    async def three():
        f = await futures(s)
        return len(f["months"]) == 3 and all("basis" in m for m in f["months"])
    await until(three, 15, "three months with a basis")
    return s


async def same_moment(s):
    """The futures and the quotes that they were reckoned from: nothing relevant came between."""
    while True:
        before, f, after = await s.quotes(), await futures(s), await s.quotes()
        keys = [SPOT] + [m["key"] for m in f["months"]]
        if all(before[k]["seq"] == after[k]["seq"] for k in keys):
            return f, before


def middle(q):
    bid, ask = (Decimal(q["depth"][0][i]) for i in (1, 2))
    return float((bid + ask) / 2) if 0 < bid <= ask else float(q["ltp"])


def near(have, want, tolerance=1e-5):
    assert abs(float(have) - want) <= tolerance, (have, want)


def check_month(m, q, spot, now_ms, rate):
    price, years = middle(q), (int(m["expiry_ms"]) - now_ms) / (365 * 86400e3)
    near(m["price"], price)
    near(m["days"], years * 365)
    near(m["basis"], price - spot)
    near(m["basis_pct"], 100 * (price - spot) / spot)
    assert m["state"] == ("premium" if price > spot else "discount" if price < spot else "par"), m
    near(m["carry_pct"], 100 * math.log(price / spot) / years)
    near(m["fair"], spot * math.exp(rate * years))
    near(m["fair_difference"], price - spot * math.exp(rate * years))
    near(m["change"], float(Decimal(q["ltp"]) - Decimal(q["cp"])))
    near(m["change_pct"], 100 * (float(q["ltp"]) / float(q["cp"]) - 1))
    for name, of in (("ltp", "ltp"), ("cp", "cp"), ("oi", "oi"), ("volume", "vtt")):
        assert Decimal(m[name]) == Decimal(q[of]), (name, m, q)
    for name in ("high", "low"):
        assert Decimal(m[name]) == Decimal(q["ohlc"]["1d"][name]), (name, m, q)
    near(m["range"], float(Decimal(m["high"]) - Decimal(m["low"])))
    return price, years


async def test_futures_are_what_their_quotes_say(t):
    s = await three_months(t, {"futures.rate_bp": "700", "futures.dividend_bp": "120"})
    f, quotes = await same_moment(s)
    assert [m["month"] for m in f["months"]] == MONTHS and f["underlying"] == "NIFTY", f
    assert [m["expiry"] for m in f["months"]] == ["2026-11-23", "2026-12-29", "2027-01-26"], f
    near(f["rate_pct"], 7)
    near(f["dividend_pct"], 1.2)
    spot = float(quotes[SPOT]["ltp"])
    assert f["spot"]["key"] == SPOT and float(f["spot"]["ltp"]) == spot
    of = [check_month(m, quotes[m["key"]], spot, int(f["ts_ms"]), 0.058) for m in f["months"]]
    assert [(x["from"], x["to"]) for x in f["spreads"]] == [("near", "next"), ("next", "far")]
    for x, (a, ta), (b, tb) in zip(f["spreads"], of, of[1:]):
        near(x["spread"], b - a)
        near(x["rate_pct"], 100 * math.log(b / a) / (tb - ta))
    oi = [int(m["oi"]) for m in f["months"]]
    assert oi[0] > oi[1] > oi[2] > 0 and int(f["oi"]) == sum(oi), f
    near(f["roll_pct"], 100 * (oi[1] + oi[2]) / sum(oi))
    newest = max(int(quotes[k]["seq"]) for k in [SPOT] + [m["key"] for m in f["months"]])
    assert int(f["seq"]) == newest, (f["seq"], newest)
    # What the exchange has not told is not there: nothing is known of the session before.
    assert not any(n in m for m in f["months"] for n in ("prev_oi", "oi_change", "buildup")), f


async def test_futures_requests(t):
    s = await three_months(t)
    for name in ("nifty", "Nifty%2050", "NSE_INDEX%7CNifty%2050"):
        assert (await futures(s, name))["underlying"] == "NIFTY"
    for target, status, code in (("NIFTTY", 404, "unknown_underlying"),
                                 ("TCS", 404, "no_derivatives"),
                                 ("N" * 200, 400, "bad_request")):
        r = await s.get("/futures/" + target)
        assert (r.status, r.error()) == (status, code), (target, r.status, r.body)


async def test_futures_without_the_link(t):
    """What must not be taken for the present is not reckoned with: keys and ages, no price."""
    s = await three_months(t)
    await s.fault("forbidden")
    await s.fault("drop")

    async def is_stale():
        f = await futures(s)
        return f if all(m.get("stale") for m in f["months"]) else None
    f = await until(is_stale, 10, "the futures say stale")
    assert f["spreads"] == [] and "oi" not in f and "roll_pct" not in f and "seq" not in f, f
    assert set(f["spot"]) == {"key", "ts_ms", "age_ms", "stale"}, f
    for m in f["months"]:
        assert set(m) == {"month", "key", "ts_ms", "age_ms", "stale", "symbol", "expiry",
                          "expiry_ms", "days", "lot_size"}, m


async def test_futures_in_scope(t):
    """A future outside of the caller's scope is not in it, and does not count."""
    everything = await t.key("--role", "viewer", "--name", "all")
    s = await t.server({"sim.speed": "10"})
    bearer = (f"Authorization: Bearer {everything}",)

    async def three():
        r = await s.get("/futures/NIFTY", headers=bearer)
        if r.status != 200:
            return None  # the instrument master comes first
        f = r.data()
        return f if len(f["months"]) == 3 and all("oi" in m for m in f["months"]) else None
    whole = await until(three, 15, "three months")
    keys = [m["key"] for m in whole["months"]]
    scoped = {}
    for name, scope in (("two", keys[1:]), ("spot", [SPOT] + keys[:2]), ("none", [SPOT])):
        scoped[name] = await t.key("--role", "viewer", "--name", name, "--scope", ",".join(scope))
    await s.reload()

    async def ask(name):
        return await futures(s, headers=(f"Authorization: Bearer {scoped[name]}",))
    f = await ask("two")
    assert [m["month"] for m in f["months"]] == ["next", "far"], f
    assert "spot" not in f and not any("basis" in m for m in f["months"]), f
    assert "roll_pct" not in f and len(f["spreads"]) == 1, f
    assert int(f["oi"]) == sum(int(m["oi"]) for m in f["months"]), f
    f = await ask("spot")
    oi = [int(m["oi"]) for m in f["months"]]
    near(f["roll_pct"], 100 * oi[1] / sum(oi))
    assert keys[2] not in str(f) and [m["month"] for m in f["months"]] == ["near", "next"], f
    f = await ask("none")
    assert f["months"] == [] and f["spreads"] == [] and "oi" not in f, f


# --- live -----------------------------------------------------------------------------------------

async def newest(c, channel):
    """The newest data of a channel, once there is some."""
    await until(lambda: any(m.get("channel") == channel for m in c.replies), 10, channel)
    return [m for m in c.replies if m.get("channel") == channel][-1]["data"]


async def subscribe(c, *channels):
    n = sum(m["type"] == "subscription_update" for m in c.replies)
    await c.ws.send(json.dumps({"action": "subscribe", "channels": channels}))
    await until(lambda: sum(m["type"] == "subscription_update" for m in c.replies) > n, 10, "the answer")
    last = [m for m in c.replies if m["type"] == "subscription_update"][-1]
    return {r["channel"]: r["status"] for r in last["results"]}


async def test_futures_channel(t):
    """The channel's object is the one of REST, and goes on."""
    s = await three_months(t)
    c = await t.client(s)
    assert await subscribe(c, "futures:NIFTY", "futures:NIFTTY", "futures:", "futures:TCS") == {
        "futures:NIFTY": "subscribed", "futures:NIFTTY": "unknown_underlying",
        "futures:": "unknown_channel", "futures:TCS": "no_derivatives"}
    data, rest = await newest(c, "futures:NIFTY"), await futures(s)
    assert data.keys() == rest.keys(), data.keys() ^ rest.keys()
    for a, b in zip(data["months"], rest["months"]):
        assert a["key"] == b["key"] and a.keys() == b.keys(), (a, b)
    seq = int(data["seq"])

    async def moves():
        return int((await newest(c, "futures:NIFTY"))["seq"]) > seq
    await until(moves, 10, "a newer state")
    m = await s.metrics()
    assert m["agnidata_futures_live"] == 1, m
    await c.ws.send(json.dumps({"action": "unsubscribe", "channels": ["futures:NIFTY"]}))

    async def is_given_up():
        return (await s.metrics())["agnidata_futures_live"] == 0
    await until(is_given_up, 10, "nobody reads it")
    computed = (await s.metrics())["agnidata_futures_computed_total"]
    await futures(s)
    assert (await s.metrics())["agnidata_futures_computed_total"] == computed


async def test_futures_channel_asks_for_its_contracts(t):
    """What nobody watches is asked for as long as somebody reads the channel."""
    s = await t.server({"sim.speed": "10", "instruments.watch": "NSE_EQ|INE467B01029"})
    await s.live()
    c = await t.client(s)
    assert (await subscribe(c, "futures:NIFTY"))["futures:NIFTY"] == "subscribed"

    async def whole():
        f = await newest(c, "futures:NIFTY")
        return len(f["months"]) == 3 and "roll_pct" in f and "high" in f["months"][2]
    await until(whole, 15, "three months with everything")


async def test_futures_channel_in_scope(t):
    keys = {name: await t.key("--role", "viewer", "--name", name, *scope)
            for name, scope in (("index", ("--scope", "NSE_INDEX|*")), ("all", ()))}
    s = await t.server({"sim.speed": "10"})
    seen = {}
    for name, key in keys.items():
        c = await t.client(s, headers={"Authorization": f"Bearer {key}"})

        async def subscribed(c=c):
            return (await subscribe(c, "futures:NIFTY"))["futures:NIFTY"] == "subscribed"
        await until(subscribed, 10, "the channel")

        async def has_spot(c=c):
            return "ltp" in (await newest(c, "futures:NIFTY")).get("spot", {})
        await until(has_spot, 10, "the index")
        seen[name] = await newest(c, "futures:NIFTY")
    assert seen["index"]["months"] == [] and "NSE_FO" not in str(seen["index"]), seen["index"]
    assert len(seen["all"]["months"]) == 3, seen["all"]


async def test_futures_in_redis(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "futures.underlyings": "NIFTY", "sim.speed": "10"})
    await s.live()

    async def document():
        text = await redis.cmd("GET", "agni-sim:futures:{NIFTY}")
        data = json.loads(text) if text else {"months": []}
        return data if len(data["months"]) == 3 and "roll_pct" in data else None
    data = await until(document, 15, "the futures in Redis")
    assert data["underlying"] == "NIFTY" and data["months"][0]["basis"], data
    assert await redis.cmd("SMEMBERS", "agni-sim:index:futures") == [b"NIFTY"]
    assert 0 < await redis.cmd("TTL", "agni-sim:futures:{NIFTY}") <= 30
    h = await s.health()
    assert "futures of 1 underlyings live" in str(h["modules"]), h["modules"]
    assert h["status"] == "UP", h


async def test_futures_build_up_over_a_restart(t):
    """Against the close of the session before, whoever was running since."""
    sets = {"sim.start": "2026-11-19T15:39:50", "futures.buildup_oi_bp": "0",
            "futures.buildup_price_bp": "0"}
    s = await t.server(sets)
    await s.logged(r"open interest of 2026-11-19 is kept: \d+ contracts", 30)
    path = os.path.join(t.folder, "var", "sim", "oi", "2026-11-19.oi")
    with open(path, encoding="ascii") as f:
        kept = dict(line.split() for line in f if "|" in line)
    await s.stop()
    s = await three_months(t, {**sets, "sim.start": "2026-11-20T09:15:00"})

    async def compared():
        f = await futures(s)
        return f if all("buildup" in m for m in f["months"]) else None
    f = await until(compared, 15, "a build-up of three months")
    names = {(1, 1): "long_buildup", (-1, 1): "short_buildup", (1, -1): "short_covering",
             (-1, -1): "long_unwinding"}
    for m in f["months"]:
        before, change = int(kept[m["key"]]), float(Decimal(m["ltp"]) - Decimal(m["cp"]))
        assert int(m["prev_oi"]) == before and int(m["oi_change"]) == int(m["oi"]) - before, m
        near(m["oi_change_pct"], 100 * (int(m["oi"]) - before) / before)
        sides = [(x > 0) - (x < 0) for x in (change, int(m["oi"]) - before)]
        assert m["buildup"] == names.get(tuple(sides), "neutral"), m
