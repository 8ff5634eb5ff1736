# SPDX-License-Identifier: MIT
"""The option chain over REST, reckoned again from its own quotes by plain arithmetic."""
import math
import statistics

from lib import until


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black76(is_call, forward, strike, t, sigma):
    """Price and delta, zero rate."""
    s = sigma * math.sqrt(t)
    d1 = math.log(forward / strike) / s + s / 2
    d2 = d1 - s
    if is_call:
        return forward * phi(d1) - strike * phi(d2), phi(d1)
    return strike * phi(-d2) - forward * phi(-d1), phi(d1) - 1


def number(leg, name):
    return float(leg[name])


async def chain(s, target="NIFTY"):
    r = await s.get("/chain/" + target)
    assert r.status == 200, r.body
    return r.data()


async def whole_chain(t):
    s = await t.server({"sim.speed": "10"})
    await s.live()

    async def all_priced():
        rows = (await chain(s))["strikes"]
        return len(rows) == 17 and all("iv" in row[side] for row in rows for side in ("call", "put"))
    await until(all_priced, 15, "34 contracts with a volatility")
    return s


async def test_chain_is_what_its_quotes_say(t):
    s = await whole_chain(t)
    c = await chain(s)
    rows, years = c["strikes"], number(c, "days") / 365
    strikes = [number(r, "strike") for r in rows]
    assert strikes == [strikes[0] + 50 * i for i in range(17)]
    spot = number(c["spot"], "ltp")
    assert number(c, "atm") == min(strikes, key=lambda k: (abs(k - spot), k))
    assert strikes[8] == number(c, "atm")
    # The future of the same expiry; put-call parity says the same, to a spread.
    mids = {k: [(number(r[x], "bid") + number(r[x], "ask")) / 2 for x in ("call", "put")]
            for k, r in zip(strikes, rows)}
    forward, future = number(c["forward"], "level"), c["future"]
    assert c["forward"]["source"] == "future"
    assert abs(forward - (number(future, "bid") + number(future, "ask")) / 2) < 1e-6
    parity = statistics.median(k + mids[k][0] - mids[k][1] for k in strikes[4:13])
    assert abs(forward - parity) < 5, (forward, parity)
    # Open interest and volume.
    oi = {x: [number(r[x], "oi") for r in rows] for x in ("call", "put")}
    volume = {x: sum(number(r[x], "volume") for r in rows) for x in ("call", "put")}
    assert abs(number(c, "pcr_oi") - sum(oi["put"]) / sum(oi["call"])) < 1e-6
    assert abs(number(c, "pcr_volume") - volume["put"] / volume["call"]) < 1e-6

    def pain(level):
        return sum(o * max(level - k, 0) for k, o in zip(strikes, oi["call"])) + \
            sum(o * max(k - level, 0) for k, o in zip(strikes, oi["put"]))
    assert number(c, "max_pain") == min(strikes, key=lambda k: (pain(k), k))
    atm = rows[8]
    straddle = number(atm["call"], "price") + number(atm["put"], "price")
    assert abs(number(c, "straddle") - straddle) < 1e-5
    # Each contract at its own volatility is worth its price; delta by a formula of our own.
    for k, r in zip(strikes, rows):
        for side in ("call", "put"):
            leg = r[side]
            assert abs(number(leg, "price") - mids[k][side == "put"]) < 1e-6
            price, delta = black76(side == "call", forward, k, years, number(leg, "iv"))
            assert abs(price - number(leg, "price")) < 0.01, (k, side, price, leg)
            assert abs(delta - number(leg, "delta")) < 1e-4, (k, side, delta, leg)
            intrinsic = max((spot - k) if side == "call" else (k - spot), 0)
            assert abs(number(leg, "intrinsic") - intrinsic) < 1e-6
            assert leg["moneyness"] == ("ATM" if k == number(c, "atm") else
                                        "ITM" if intrinsic > 0 else "OTM"), leg
            # The broker's own stand beside ours, and are near.
            assert abs(number(leg["broker"], "iv") - number(leg, "iv")) < 0.02, leg


async def test_chain_requests(t):
    s = await whole_chain(t)
    c = await chain(s, "Nifty%2050?strikes=2&expiry=monthly")
    assert c["underlying"] == "NIFTY" and len(c["strikes"]) == 5
    by_date = await chain(s, f"NIFTY?strikes=2&expiry={c['expiry']}")
    assert [r["strike"] for r in by_date["strikes"]] == [r["strike"] for r in c["strikes"]]
    assert len((await chain(s, "NIFTY?strikes=all"))["strikes"]) >= 17
    for target, status, code in (("NIFTTY", 404, "unknown_underlying"),
                                 ("NIFTY?expiry=2020-01-01", 404, "no_expiry"),
                                 ("NIFTY?expiry=soon", 400, "bad_request"),
                                 ("NIFTY?strikes=0x", 400, "bad_request")):
        r = await s.get("/chain/" + target)
        assert (r.status, r.error()) == (status, code), (target, r.status, r.body)


async def test_chain_without_the_link(t):
    """What must not be taken for the present is not reckoned with: keys and ages, no price."""
    s = await whole_chain(t)
    await s.fault("forbidden")
    await s.fault("drop")

    async def is_stale():
        leg = (await chain(s))["strikes"][0]["call"]
        return leg if leg.get("stale") else None
    leg = await until(is_stale, 10, "the chain says stale")
    assert "iv" not in leg and "ltp" not in leg and "broker" not in leg and "age_ms" in leg, leg
    c = await chain(s)
    assert "forward" not in c and "pcr_oi" not in c, c


async def test_chain_in_scope(t):
    """Contracts outside of the caller's scope are not in it, and do not count."""
    key = await t.key("--role", "viewer", "--scope", "NSE_INDEX|*")
    s = await t.server()
    headers = (f"Authorization: Bearer {key}",)

    async def index_is_there():
        r = await s.get("/chain/NIFTY", headers=headers)
        return r.status == 200 and "ltp" in r.data()["spot"] and r.data()
    c = await until(index_is_there, 10, "the index")
    assert len(c["strikes"]) == 17
    assert all(set(row) == {"strike"} for row in c["strikes"]), c["strikes"][0]
    assert "pcr_oi" not in c and "future" not in c and c["forward"]["source"] == "spot", c
