# SPDX-License-Identifier: MIT
"""The futures of an underlying over REST, reckoned again from /quotes by plain arithmetic."""
import math
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
                                 ("TCS", 404, "unknown_underlying"),
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
    assert f["spreads"] == [] and "oi" not in f and "roll_pct" not in f and f["seq"] == "0", f
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
