# SPDX-License-Identifier: MIT
"""The broker's REST reads: its paths, envelopes, units and error codes, out of what was recorded."""
from decimal import Decimal

from lib import START_DELAY_MS, data, merge, quote_key, read_jsonl, until

NIFTY = "NSE_INDEX|Nifty 50"


async def played(t):
    """A server that has played the recording, and the state that it leaves."""
    want, ticks = merge(list(read_jsonl(data("ticks/upstox_frames_20260123_a.jsonl.gz"))))
    s = await t.server({"sim.source": "tape", "sim.speed": "max",
                        "sim.tape": data("ticks/upstox_frames_20260123_a.pbs"),
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed"})

    async def all_is_there():
        return (await s.metrics())["agnidata_feed_ticks_total"] == ticks
    await until(all_is_there, 20, "the recording is played")
    return s, want


async def ask(s, path, keys, name="instrument_key", **more):
    query = "&".join([f"{name}={','.join(quote_key(k) for k in keys)}"] +
                     [f"{k}={v}" for k, v in more.items()])
    r = await s.get(f"{path}?{query}")
    d = r.data()
    assert sorted(e["instrument_token"] for e in d.values()) == sorted(keys), d
    assert all(k == e["instrument_token"].replace("|", ":", 1) for k, e in d.items()), d
    return {e["instrument_token"]: e for e in d.values()}


def is_same(have, want, what):
    assert have is None if want is None else Decimal(have) == Decimal(want), (what, have, want)


async def test_upstox_rest_quotes(t):
    s, want = await played(t)
    await prices_and_greeks(s, want)
    await full_and_ohlc(s, want)


async def prices_and_greeks(s, want):
    keys = sorted(want)
    for path in ("/v3/market-quote/ltp", "/v2/market-quote/ltp", "/v3/market-quote/option-greek",
                 "/v2/market-quote/quotes"):
        have = await ask(s, path, keys)
        for key, slot in want.items():
            is_same(have[key]["last_price"], slot["ltp"], (path, key))
    names = {"ltq": "ltq", "volume": "vtt", "cp": "cp"}
    greeks = {**names, **{n: n for n in ("iv", "vega", "gamma", "theta", "delta", "oi")}}
    for path, members in (("ltp", names), ("option-greek", greeks)):
        have = await ask(s, "/v3/market-quote/" + path, keys)
        for key, slot in want.items():
            assert have[key].keys() == {"last_price", "instrument_token", *members}, have[key]
            for member, name in members.items():
                is_same(have[key][member], slot.get(name), (path, key, member))


async def full_and_ohlc(s, want):
    keys = sorted(want)
    full = await ask(s, "/v2/market-quote/quotes", keys, "symbol")  # as the SDKs' v2 methods
    day = await ask(s, "/v3/market-quote/ohlc", keys, interval="1d")
    minute = await ask(s, "/v3/market-quote/ohlc", keys, interval="I1")
    old = await ask(s, "/v2/market-quote/ohlc", keys, interval="1d")
    for key, slot in want.items():
        q, bars = full[key], slot["ohlc"]
        for member, name in (("volume", "vtt"), ("average_price", "atp"), ("oi", "oi"),
                             ("total_buy_quantity", "tbq"), ("total_sell_quantity", "tsq"),
                             ("last_trade_time", "ltt")):
            is_same(q[member], slot.get(name), (key, member))
        is_same(q["net_change"], Decimal(slot["ltp"]) - Decimal(slot["cp"]), key)
        assert q["timestamp"].startswith("2026-01-23T14:59:") and q["timestamp"].endswith("+05:30")
        assert isinstance(q["last_trade_time"], str) and q["symbol"] == key.split("|")[1]
        rows = (slot.get("depth", []) + [["0"] * 4] * 5)[:5]
        for have, (bid_q, bid, ask_p, ask_q) in zip(zip(q["depth"]["buy"], q["depth"]["sell"]),
                                                    rows):
            for side, quantity, price in zip(have, (bid_q, ask_q), (bid, ask_p)):
                is_same(side["quantity"], quantity, key)
                is_same(side["price"], price, key)
        for name in ("open", "high", "low", "close"):
            is_same(q["ohlc"][name], bars["1d"][name], key)
            is_same(old[key]["ohlc"][name], bars["1d"][name], key)
            is_same(day[key]["live_ohlc"][name], bars["1d"][name], key)
            is_same(minute[key]["prev_ohlc"][name], bars["I1"][name], key)
        is_same(day[key]["live_ohlc"]["ts"], bars["1d"]["ts"], key)
        assert day[key]["prev_ohlc"] is None and minute[key]["live_ohlc"] is None


async def test_upstox_rest_errors(t):
    s = await t.server()
    await s.live()
    q = "/v3/market-quote/"
    many = ",".join(f"NSE_FO%7C{i}" for i in range(501))
    for target, status, code in (
            (q + "ltp", 400, "UDAPI1009"), (q + "ltp?instrument_key=", 400, "UDAPI1009"),
            (q + "ltp?instrument_key=NIFTY", 400, "UDAPI1011"),
            (q + "ltp?instrument_key=" + many, 400, "UDAPI100043"),
            ("/v2/market-quote/quotes?symbol=" + many, 400, "UDAPI100042"),
            (q + "option-greek?instrument_key=" + ",".join(many.split(",")[:51]), 400,
             "UDAPI100042"),
            (q + "ohlc?instrument_key=NSE_FO%7C1", 400, "UDAPI1027"),
            (q + "ohlc?instrument_key=NSE_FO%7C1&interval=2d", 400, "UDAPI1028"),
            ("/v2/market/status/NSE_FO", 400, "UDAPI1089"),
            ("/v2/market/holidays/2026-13-01", 400, "UDAPI1088"),
            ("/v2/market/timings/today", 400, "UDAPI1088"),
            ("/v2/order/history", 404, "UDAPI100060"), ("/v3/no/such/path", 404, "UDAPI100060")):
        r = await s.get(target)
        assert (r.status, r.error()) == (status, code), (target[:80], r.status, r.body[:200])
    r = await s.get(q + "ltp?instrument_key=NSE_INDEX%7CNifty+50,NSE_FO%7CNONE")
    assert list(r.data()) == ["NSE_INDEX:Nifty 50"], r.body


async def test_upstox_rest_names(t):
    """A share is named by its trading symbol, as the instrument master has it."""
    s = await t.server()
    await s.live()

    async def three():
        r = await s.get("/v2/market-quote/quotes?instrument_key=NSE_EQ%7CINE002A01018,"
                        "NSE_INDEX%7CNifty+50,NSE_FO%7C97560")
        return len(r.data()) == 3 and r.data()
    d = await until(three, 15, "three quotes")
    assert {k: (v["instrument_token"], v["symbol"]) for k, v in d.items()} == {
        "NSE_EQ:RELIANCE": ("NSE_EQ|INE002A01018", "RELIANCE"),
        "NSE_INDEX:Nifty 50": ("NSE_INDEX|Nifty 50", "Nifty 50"),
        "NSE_FO:97560": ("NSE_FO|97560", "97560")}, d


async def test_upstox_rest_long_lists(t):
    """As many equities as the broker allows, every comma escaped as the Python SDK does it; and a list
    that is longer than is read is refused, not cut inside a key, where another instrument may be."""
    def listed(n):
        return "%2C".join([f"NSE_EQ%7CINE999Z01{i:03}" for i in range(n - 1)] +
                          ["NSE_INDEX%7CNifty+50"])
    s = await t.server()
    await s.live()
    for path in ("/v3/market-quote/ltp?instrument_key=", "/v2/market-quote/quotes?symbol="):
        r = await s.get(path + listed(500))
        assert r.status == 200 and list(r.data()) == ["NSE_INDEX:Nifty 50"], (path, r.status)
    r = await s.get("/quotes?keys=" + listed(500))
    assert r.status == 200 and len(r.data()["quotes"]) == 1, r.body[:200]
    await s.stop()
    s = await t.server({"http.head_max_bytes": 65536, "http.target_max_bytes": 65536})
    await s.live()
    r = await s.get("/quotes?keys=" + listed(1500))
    assert (r.status, r.error()) == (400, "bad_request"), r.body[:200]
    r = await s.get("/v3/market-quote/ltp?instrument_key=" + listed(1500))
    assert (r.status, r.error()) == (400, "UDAPI100043"), r.body[:200]


async def test_upstox_rest_market(t):
    """Market time is 2026-11-20, a Friday, in the session."""
    s = await t.server()
    await s.live()
    for exchange in ("NSE", "NFO", "BSE", "BFO"):
        d = (await s.get(f"/v2/market/status/{exchange}")).data()
        assert d == {"exchange": exchange, "status": "NORMAL_OPEN",
                     "last_updated": "1795146300000"}, d  # 09:15 IST
    year = (await s.get("/v2/market/holidays")).data()
    assert all(h["date"].startswith("2026-") for h in year) and len(year) > 10, year
    assert [h["date"] for h in year] == sorted(h["date"] for h in year)
    h, = (await s.get("/v2/market/holidays/2026-01-26")).data()
    assert h == {"date": "2026-01-26", "description": "Republic Day",
                 "holiday_type": "TRADING_HOLIDAY",
                 "closed_exchanges": ["NSE", "NFO", "BSE", "BFO"], "open_exchanges": []}, h
    assert (await s.get("/v2/market/holidays/2026-11-20")).data() == []
    assert (await s.get("/v2/market/timings/2026-01-26")).data() == []
    timings = {x["exchange"]: (x["start_time"], x["end_time"])
               for x in (await s.get("/v2/market/timings/2024-01-01")).data()}
    assert timings["NSE"] == ("1704080700000", "1704103200000"), timings  # the broker's own sample
    profile = (await s.get("/v2/user/profile")).data()
    assert profile["is_active"] is True and profile["user_id"] == "loopback", profile


async def test_upstox_rest_with_keys(t):
    """A viewer sees its scope; holidays and timings are for anyone, as with the broker."""
    key = await t.key("--role", "viewer", "--name", "desk", "--scope", "NSE_INDEX|*")
    s = await t.server()
    bearer = (f"Authorization: Bearer {key}",)

    async def ltp():
        r = await s.get("/v3/market-quote/ltp?instrument_key=NSE_INDEX%7CNifty%2050,NSE_FO%7C1",
                        headers=bearer)
        return r.data()
    assert set(await until(ltp, 15, "a price")) == {"NSE_INDEX:Nifty 50"}
    for path, is_open in (("/v2/market/holidays", True), ("/v2/market/timings/2026-01-27", True),
                          ("/v2/no/path", False), ("/v2/user/profile", False),
                          ("/v2/market/status/NSE", False),
                          ("/v3/market-quote/ltp?instrument_key=NSE_FO%7C1", False)):
        r = await s.get(path)
        want = 200 if is_open else 404 if path == "/v2/no/path" else 401
        assert r.status == want, (path, r.status)
        if want == 401:
            assert r.error() == "UDAPI100050" and r.headers["www-authenticate"] == "Bearer"
    profile = (await s.get("/v2/user/profile", headers=bearer)).data()
    assert profile["user_id"] == "key:desk", profile
