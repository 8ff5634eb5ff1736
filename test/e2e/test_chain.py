# SPDX-License-Identifier: MIT
"""The option chain over REST, reckoned again from its own quotes by plain arithmetic."""
import json
import math
import os
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
                                 ("RELIANCE", 404, "no_derivatives"),
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


async def first_of(c, channel):
    """The newest message of a channel, once there is one."""
    await until(lambda: any(m.get("channel") == channel for m in c.replies), 10, channel)
    return [m for m in c.replies if m.get("channel") == channel][-1]


async def subscribe(c, *channels):
    await c.ws.send(json.dumps({"action": "subscribe", "channels": channels}))
    await until(lambda: any(m["type"] == "subscription_update" for m in c.replies), 10, "the answer")
    return {r["channel"]: r["status"] for m in c.replies if m["type"] == "subscription_update"
            for r in m["results"]}


async def test_chain_channel(t):
    """The channel's object is the one of REST; what is live by default are the brief's 34 contracts."""
    s = await whole_chain(t)
    c = await t.client(s)
    assert await subscribe(c, "chain:NIFTY", "chain:NIFTTY") == \
        {"chain:NIFTY": "subscribed", "chain:NIFTTY": "unknown_underlying"}
    m = await first_of(c, "chain:NIFTY")
    rest = await chain(s)
    assert m["type"] == "chain" and m["data"]["expiry"] == rest["expiry"]
    assert [number(r, "strike") for r in m["data"]["strikes"]] == list(range(25400, 26201, 50))
    assert set(rest) == set(m["data"]), set(rest) ^ set(m["data"])
    seq = number(m["data"], "seq")

    async def moves():
        return number((await first_of(c, "chain:NIFTY"))["data"], "seq") > seq
    await until(moves, 10, "a newer state")


async def test_chain_channel_in_scope(t):
    key = await t.key("--role", "viewer", "--scope", "NSE_INDEX|*")
    whole = await t.key("--role", "viewer")
    s = await t.server({"sim.speed": "10"})
    seen = {}
    for name, k in (("index", key), ("all", whole)):
        c = await t.client(s, headers={"Authorization": f"Bearer {k}"})
        assert (await subscribe(c, "chain:NIFTY"))["chain:NIFTY"] == "subscribed"

        async def has_spot(c=c):
            return "ltp" in (await first_of(c, "chain:NIFTY"))["data"].get("spot", {})
        await until(has_spot, 10, "the index")
        seen[name] = (await first_of(c, "chain:NIFTY"))["data"]
    assert all(set(row) == {"strike"} for row in seen["index"]["strikes"])
    assert "pcr_oi" not in seen["index"] and "future" not in seen["index"]
    assert all("call" in row for row in seen["all"]["strikes"])


async def test_chain_in_redis(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "options.chains": "NIFTY"})
    await s.live()

    async def document():
        names = await redis.cmd("SMEMBERS", "agni-sim:index:chains")
        return names and await redis.cmd("GET", f"agni-sim:chain:{{{names[0].decode()}}}")
    text = await until(document, 10, "the chain in Redis")
    data = json.loads(text)
    assert data["underlying"] == "NIFTY" and len(data["strikes"]) == 17
    names = await redis.cmd("SMEMBERS", "agni-sim:index:chains")
    assert names == [f"NIFTY@{data['expiry']}".encode()]


async def test_open_interest_over_a_restart(t):
    """The change of open interest is against the close of the day before, whoever was running since."""
    sets = {"options.chains": "NIFTY", "sim.start": "2026-11-19T15:39:50"}
    s = await t.server(sets)
    await s.logged(r"open interest of 2026-11-19 is kept: \d+ contracts", 30)
    path = os.path.join(t.folder, "var", "sim", "oi", "2026-11-19.oi")
    with open(path, encoding="ascii") as f:
        kept = dict(line.split() for line in f if "|" in line)
    await s.stop()
    s = await t.server({**sets, "sim.start": "2026-11-20T09:15:00"})

    async def compared():
        r = await s.get("/chain/NIFTY")
        c = r.data() if r.status == 200 else {"strikes": []}
        legs = [row[side] for row in c["strikes"] for side in ("call", "put") if side in row]
        return c if legs and all("oi_change" in leg for leg in legs) else None
    c = await until(compared, 15, "changes of open interest")
    assert c["previous_session"] == "2026-11-19"
    for row in c["strikes"]:
        for leg in (row["call"], row["put"]):
            assert leg["prev_oi_source"] == "session"
            assert int(leg["prev_oi"]) == int(kept[leg["key"]])
            assert int(leg["oi_change"]) == int(leg["oi"]) - int(kept[leg["key"]])


async def test_chain_channel_ends_with_its_key(t):
    """Who loses the key loses the chain: nothing goes behind the news, and nothing is kept for it."""
    key = await t.key("--role", "viewer", "--name", "desk")
    admin = await t.key("--role", "admin", "--name", "other")
    s = await t.server({"sim.speed": "10"})
    c = await t.client(s, headers={"Authorization": f"Bearer {key}"})
    assert (await subscribe(c, "chain:NIFTY"))["chain:NIFTY"] == "subscribed"
    await first_of(c, "chain:NIFTY")
    await t.key_command("revoke", "desk")
    await s.reload()
    await until(lambda: c.closed, 10, "the client is closed")
    assert c.closed == 4003, (c.closed, c.reason)

    async def is_gone():
        r = await s.get("/metrics", headers=(f"Authorization: Bearer {admin}",))
        return "\nagnidata_options_chains 0\n" in r.body.decode()
    await until(is_gone, 10, "no chain is live")
