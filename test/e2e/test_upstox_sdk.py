# SPDX-License-Identifier: MIT
"""The broker's own SDKs, JavaScript and Python, against this server: nothing but the host is changed."""
import asyncio

from feed import PATH, Feed, split
from lib import free_port, until
from sdk import Program, python_folder, sdk_folder

NIFTY = "NSE_INDEX|Nifty 50"


async def sees(p, wanted, what):
    """Waits until each subscription has brought something, and from then on all is as wanted."""
    since = len(p.messages)
    await p.wait(lambda: {(k, m) for k, m, _ in p.entries(since)} >= set(wanted.items()), 20,
                 f"{what}: something of {wanted}")
    since = await p.flows(10)
    for key, mode, _ in p.entries(since):
        assert wanted.get(key) == mode, f"{what}: {key} came in {mode}, wanted {wanted}"


async def had_snapshots(p, wanted, what):
    """Each subscription was answered by a snapshot, which has no type."""
    await p.wait(lambda: {(k, m) for k, m, snapshot in p.entries() if snapshot} >=
                 set(wanted.items()), 20, f"{what}: snapshots of {wanted}")


async def start(t, ports):
    s = await t.server({"sim.plus": "on", "upstream.full_d30_max": "50", "sim.speed": "20",
                        "upstream.full_d30_mixed_max": "50",
                        "stream.feed_hold_ms": "3000",  # a busy machine reads the schema slowly
                        "stream.listen": f"127.0.0.1:{ports[0]}",
                        "http.listen": f"127.0.0.1:{ports[1]}"})
    await s.live()
    return s


async def is_one_upstream(s):
    m = await s.metrics()
    assert m["agnidata_feed_connects_total"] == 1 and m["agnidata_sim_sessions"] == 1, m
    assert m["agnidata_stream_feed_clients"] == 3 and m["agnidata_stream_clients"] == 2, m


async def native_clients(t, s, keys):
    """Two clients of /ws, one light and one full."""
    light, full = await t.client(s), await t.client(s)
    await light.subscribe([NIFTY], "ltpc")
    await full.subscribe(keys, "full")
    await light.flows(5)
    await full.flows(5)
    assert set(light.state) == {NIFTY} and set(full.state) <= set(keys)
    assert "ohlc" not in light.state[NIFTY] and all("ohlc" in q for q in full.state.values())


async def use(t, programs, language="js"):
    ports = free_port(), free_port()
    s = await start(t, ports)
    fo = sorted(k for k in await s.quotes() if k.startswith("NSE_FO|"))
    programs += await asyncio.gather(*(Program().start(s, language=language) for _ in range(3)))
    a, b, c = programs
    a.do("connect", keys=[NIFTY, fo[0]], mode="ltpc")  # as the SDK's samples do
    for p in (b, c):
        p.do("connect")
        await p.heard("open")
    await a.heard("open")
    b.do("subscribe", keys=[fo[0], fo[1]], mode="option_greeks")
    c.do("subscribe", keys=[fo[1]], mode="full_d30")
    c.do("subscribe", keys=[NIFTY], mode="full")
    wanted = [{NIFTY: "ltpc", fo[0]: "ltpc"},
              {fo[0]: "option_greeks", fo[1]: "option_greeks"}, {fo[1]: "full_d30", NIFTY: "full"}]
    for p, w in zip(programs, wanted):
        await had_snapshots(p, w, "connect and subscribe")
        await sees(p, w, "connect and subscribe")
    await native_clients(t, s, [NIFTY, fo[0]])
    await is_one_upstream(s)
    a.do("subscribe", keys=[fo[2]], mode="full")
    a.do("changeMode", keys=[fo[0]], mode="full")
    b.do("unsubscribe", keys=[fo[0]])
    c.do("changeMode", keys=[NIFTY], mode="ltpc")
    wanted = [{NIFTY: "ltpc", fo[0]: "full", fo[2]: "full"}, {fo[1]: "option_greeks"},
              {fo[1]: "full_d30", NIFTY: "ltpc"}]
    for p, w in zip(programs, wanted):
        await p.flows(10)  # what was under way
        await sees(p, w, "changed")
    await is_one_upstream(s)
    # The server goes and comes again: the SDK reconnects, and asks for everything again.
    await s.stop()
    for p in programs:
        await p.heard("close")
    s = await start(t, ports)
    for p, w in zip(programs, wanted):
        await p.heard("open", 2)
        await sees(p, w, "reconnected")
        assert p.count("reconnecting") >= 1 and not p.count("autoReconnectStopped"), p.events
        assert p.messages[0]["type"] == "market_info", p.messages[0]
    m = await s.metrics()
    assert m["agnidata_feed_connects_total"] == 1 and m["agnidata_stream_feed_clients"] == 3, m
    a.do("disconnect")
    if language == "js":  # the Python SDK does not tell each close behind a reconnection
        await a.heard("close", 2)

    async def has_left():
        return (await s.metrics())["agnidata_stream_feed_clients"] == 2
    await until(has_left, 10, "one program fewer")


async def rest_reads(p):
    """The SDK's own models read what we answer."""
    for api, method, args in (
            ("MarketQuoteV3Api", "getLtp", [{"instrumentKey": NIFTY}]),
            ("MarketQuoteV3Api", "getMarketQuoteOHLC", ["1d", {"instrumentKey": NIFTY}]),
            ("MarketQuoteV3Api", "getMarketQuoteOptionGreek", [{"instrumentKey": NIFTY}]),
            ("MarketQuoteApi", "getFullMarketQuote", [NIFTY, "2.0"]),
            ("MarketQuoteApi", "getMarketQuoteOHLC", [NIFTY, "1d", "2.0"]),
            ("MarketQuoteApi", "ltp", [NIFTY, "2.0"])):
        answer = await p.answer(api, method, *args)
        assert answer["error"] is None and answer["data"]["status"] == "success", (method, answer)
        quote = answer["data"]["data"]["NSE_INDEX:" + NIFTY.split("|")[1]]
        assert quote["instrumentToken"] == NIFTY and quote["lastPrice"] > 1000, (method, quote)
    for api, method, args in (
            ("MarketHolidaysAndTimingsApi", "getMarketStatus", ["NSE"]),
            ("MarketHolidaysAndTimingsApi", "getHolidays", []),
            ("MarketHolidaysAndTimingsApi", "getHoliday", ["2026-01-26"]),
            ("MarketHolidaysAndTimingsApi", "getExchangeTimings", ["2026-01-27"]),
            ("UserApi", "getProfile", ["2.0"])):
        answer = await p.answer(api, method, *args)
        assert answer["error"] is None and answer["data"]["data"], (method, answer)


async def end(programs):
    for p in programs:
        await p.stop()


async def test_upstox_sdk_streamers(t):
    """Three programs of the SDK, in all four modes, and two clients of /ws share one upstream; each
    sees exactly what it asked for, through subscribe, unsubscribe, changeMode and a reconnection."""
    sdk_folder()
    programs = []
    try:
        await use(t, programs)
    finally:
        await end(programs)


async def test_upstox_python_sdk_streamers(t):
    """The same three programs, written for the Python SDK."""
    python_folder()
    programs = []
    try:
        await use(t, programs, "python")
    finally:
        await end(programs)


async def test_upstox_python_sdk_reads(t):
    """The Python SDK's models read what we answer; its access token is an API key."""
    python_folder()
    key = await t.key("--role", "viewer", "--name", "sdk")
    s = await t.server({"sim.speed": "20"})
    programs = []
    try:
        p = await Program().start(s, key, language="python")
        programs.append(p)
        p.do("connect", keys=[NIFTY], mode="full")
        await p.heard("open")
        await sees(p, {NIFTY: "full"}, "with a key")
        for api, method, args in (
                ("MarketQuoteV3Api", "get_ltp", [{"instrument_key": NIFTY}]),
                ("MarketQuoteV3Api", "get_market_quote_ohlc", ["1d", {"instrument_key": NIFTY}]),
                ("MarketQuoteV3Api", "get_market_quote_option_greek", [{"instrument_key": NIFTY}]),
                ("MarketQuoteApi", "get_full_market_quote", [NIFTY, "2.0", {}]),
                ("MarketQuoteApi", "get_market_quote_ohlc", [NIFTY, "1d", "2.0", {}]),
                ("MarketQuoteApi", "ltp", [NIFTY, "2.0", {}])):
            answer = await p.answer(api, method, *args)
            assert answer["error"] is None and answer["data"]["status"] == "success", (method, answer)
            quote = answer["data"]["data"]["NSE_INDEX:" + NIFTY.split("|")[1]]
            assert quote["instrument_token"] == NIFTY and quote["last_price"] > 1000, (method, quote)
        answer = await p.answer("OptionsApi", "get_option_contracts", NIFTY, {})
        assert answer["error"] is None and len(answer["data"]["data"]) == 34, answer
        answer = await p.answer("OptionsApi", "get_put_call_option_chain", NIFTY, "2026-11-23", {})
        rows = answer["data"]["data"]
        assert [r["strike_price"] for r in rows] == list(range(25400, 26201, 50)), answer
        assert all(r["call_options"]["option_greeks"]["iv"] > 5 for r in rows), rows
        answer = await p.answer("MarketHolidaysAndTimingsApi", "get_holidays", {})
        assert answer["error"] is None and answer["data"]["data"], answer
    finally:
        await end(programs)


async def test_upstox_sdk_with_a_key(t):
    """The API key is the SDK's access token: for authorize, and through the redirect of http.listen."""
    sdk_folder()
    key = await t.key("--role", "viewer", "--name", "sdk", "--scope", "NSE_INDEX|*")
    s = await t.server({"sim.speed": "20"})
    programs = []
    try:
        p = await Program().start(s, key, feed=f"ws://{s.http[0]}:{s.http[1]}")
        programs.append(p)
        fo = "NSE_FO|1"
        p.do("connect", keys=[NIFTY, fo], mode="ltpc")
        await p.heard("open")
        await sees(p, {NIFTY: "ltpc"}, "through the redirect")
        answer = await p.answer("WebsocketApi", "getMarketDataFeedAuthorizeV3")
        uri = answer["data"]["data"]["authorizedRedirectUri"]
        address, path = split(uri)
        assert address == s.ws and path.startswith(PATH + "?requestId=") and "&code=" in path, uri
        f = await Feed().open(address, path)  # as the Java SDK goes on from there
        await f.ask("sub", [NIFTY], "full")
        await f.wait(lambda: f.feeds(), 10, "ticks by the one-use address")
        await f.close()
        await rest_reads(p)
        p.do("token", text="agni_nonsense")
        answer = await p.answer("WebsocketApi", "getMarketDataFeedAuthorizeV3")
        assert answer["error"]["errors"][0]["errorCode"] == "UDAPI100050", answer
    finally:
        await end(programs)


async def test_upstox_sdk_options(t):
    """The SDK's own models read the option contracts and the chain."""
    sdk_folder()
    s = await t.server({"sim.speed": "20"})
    await s.live()
    programs = []
    try:
        p = await Program().start(s, feed=f"ws://{s.http[0]}:{s.http[1]}")
        programs.append(p)
        for opts, n in (({}, 34), ({"expiryDate": "2026-11-23"}, 34), ({"expiryDate": "2026-11-24"}, 0)):
            answer = await p.answer("OptionsApi", "getOptionContracts", NIFTY, opts)
            assert answer["error"] is None and len(answer["data"]["data"]) == n, answer
        c = (await p.answer("OptionsApi", "getOptionContracts", NIFTY, {}))["data"]["data"][0]
        assert c["strikePrice"] == 25400 and c["lotSize"] == 65 and c["underlyingKey"] == NIFTY, c
        assert c["expiry"].startswith("2026-11-23"), c  # a Date by now
        answer = await p.answer("OptionsApi", "getPutCallOptionChain", NIFTY, "2026-11-23")
        rows = answer["data"]["data"]
        assert [r["strikePrice"] for r in rows] == list(range(25400, 26201, 50)), answer
        for r in rows:
            call, put = r["callOptions"], r["putOptions"]
            assert 5 < call["optionGreeks"]["iv"] < 50 and call["optionGreeks"]["delta"] > 0, call
            assert put["marketData"]["ltp"] > 0 and put["optionGreeks"]["delta"] < 0, put
            assert abs(r["pcr"] - put["marketData"]["oi"] / call["marketData"]["oi"]) < 1e-4, r
            assert r["underlyingSpotPrice"] > 20000, r
        answer = await p.answer("OptionsApi", "getPutCallOptionChain", NIFTY, "soon")
        assert answer["error"]["errors"][0]["errorCode"] == "UDAPI1088", answer
        answer = await p.answer("HistoryV3Api", "getIntraDayCandleData", NIFTY, "days", 1)
        (start, *prices, volume, oi), = answer["data"]["data"]["candles"]
        assert start == "2026-11-20T00:00:00+05:30" and all(x > 20000 for x in prices), answer
        assert (volume, oi) == (0, 0), answer
    finally:
        await end(programs)
