# SPDX-License-Identifier: MIT
"""/ws as its users meet it: handshake, subscriptions, modes, errors and limits."""
import asyncio
import json

import websockets

from lib import exchange, generous, parse_replies, until, upgrade

NIFTY, TCS = "NSE_INDEX|Nifty 50", "NSE_EQ|INE467B01029"
LTPC = {"key", "seq", "ts_ms", "recv_ms", "ltp", "ltq", "ltt", "cp", "change", "change_pct"}
GREEKS = LTPC | {"vtt", "oi", "iv", "delta", "gamma", "theta", "vega", "rho", "depth"}
FULL = GREEKS | {"atp", "tbq", "tsq", "ohlc"}


async def live(t, sets=None):
    """A server in which every instrument has ticked, and the keys of all."""
    s = await t.server(sets)
    await s.live()
    return s, list(await s.quotes())


async def test_ws_greeting(t):
    s, _ = await live(t)
    c = await t.client(s)
    assert len(c.hello["client_id"]) == 16 and c.hello["source"] == "sim"
    assert c.hello["epoch"] == (await s.get("/quotes")).data()["epoch"]
    assert c.hello["server_time"].endswith("+05:30") and int(c.hello["server_time_ms"]) > 1e12
    status = c.statuses[0][1]
    assert status["upstream"] == "live" and status["stale"] is False and status["session_open"]
    other = await t.client(s)
    assert other.hello["client_id"] != c.hello["client_id"]


async def test_ws_subscription_results(t):
    """One bad key does not cost the others; each gets its own word."""
    s, keys = await live(t, {"stream.max_subscriptions": "6"})
    c = await t.client(s)
    got = await c.subscribe([NIFTY, "NSE_FO|1", "nonsense", "", TCS, NIFTY])
    assert got == {NIFTY: "subscribed", TCS: "subscribed", "NSE_FO|1": "unknown_instrument",
                   "nonsense": "invalid_instrument", "": "invalid_instrument"}
    assert len(c.replies[-1]["results"]) == 6 and c.replies[-1]["subscriptions"] == "2"
    more = [k for k in keys if k not in (NIFTY, TCS)][:5]
    got = await c.subscribe([NIFTY, *more], "ltpc")
    assert list(got.values()) == ["subscribed"] * 5 + ["over_limit"], got
    c.wanted.discard(more[4])
    r = await c.ask({"action": "subscribe", "instruments": keys[:7]})
    assert r["type"] == "error" and r["code"] == "too_many", r
    r = await c.ask({"action": "subscriptions"})
    assert {x["instrument"]: x["mode"] for x in r["data"]} == {
        TCS: "full", NIFTY: "ltpc", **{k: "ltpc" for k in more[:4]}}
    r = await c.ask({"action": "subscribe", "instruments": [7, None], "channels": ["status", "x"]})
    assert [x["status"] for x in r["results"]] == ["invalid_instrument", "invalid_instrument",
                                                   "subscribed", "unknown_channel"]
    assert r["subscriptions"] == "6" and r["action"] == "subscribe" and r["mode"] == "full"
    await c.send({"action": "ping", "id": 7})
    await c.wait(lambda: any(r["type"] == "pong" and r["id"] == "7" for r in c.replies), 5, "pong")


async def test_ws_snapshot_then_every_tick(t):
    """The snapshot is the state at its seq; from there on quotes and conflated ticks add up."""
    s, keys = await live(t, {"sim.speed": "50"})
    c = await t.client(s)
    begins = []

    def on_quote(_):
        if c.snapshots and not begins:
            begins.append((c.seq, c.quotes, c.conflated))
    c.on_quote = on_quote
    await c.subscribe(keys)
    await c.wait(lambda: len(c.state) == len(keys), 5, "the whole state")
    assert c.snapshots == 1
    seq = c.seq  # at least; later frames have come by now
    await c.flows(100)
    await s.fault("stall", 12000)

    async def is_quiet():
        before = c.seq
        await asyncio.sleep(0.1)
        return c.seq == before == int((await s.metrics())["agnidata_tape_seq"])
    await until(is_quiet, 4, "the market stands still")
    first_seq = begins[0][0]
    quotes, conflated = c.quotes - len(keys), c.conflated - begins[0][2]
    assert seq >= first_seq and quotes + conflated == c.seq - first_seq, (
        f"{quotes} quotes and {conflated} conflated ticks from seq {first_seq} to {c.seq}")
    listed = await s.quotes()
    for key in keys:
        del listed[key]["age_ms"], listed[key]["stale"]
        assert c.state[key] == listed[key]


async def test_ws_modes(t):
    s, keys = await live(t, {"sim.speed": "10"})
    option = next(k for k, q in (await s.quotes()).items() if "iv" in q)
    for mode, members, rows in (("ltpc", LTPC, None), ("option_greeks", GREEKS, 1),
                                ("full", FULL, 5)):
        c = await t.client(s)
        await c.subscribe(keys, mode)
        await c.flows(30)
        for key, q in c.state.items():
            assert set(q) <= members, f"{mode} of {key} has {set(q) - members}"
        assert set(c.state[option]) == members, f"{mode}: {members - set(c.state[option])} missing"
        assert rows is None or len(c.state[option]["depth"]) == rows
    # A change of mode owes a snapshot in the new one.
    c = await t.client(s)
    await c.subscribe([option], "ltpc")
    await c.wait(lambda: option in c.state and "depth" not in c.state[option], 5, "ltpc")
    await c.subscribe([option], "full")
    await c.wait(lambda: c.snapshots == 2 and "atp" in c.state[option], 5, "full")
    await c.subscribe([option], "ltpc")
    await c.wait(lambda: c.snapshots == 3 and "atp" not in c.state[option], 5, "ltpc again")


async def test_ws_upstream_mode_follows(t):
    """Nobody watches: what goes upstream is the highest mode that a client asks for, and nothing
    when it has gone and lingered."""
    s = await t.server({"instruments.watch": TCS, "sim.speed": "20", "upstream.linger_s": "1"})
    await s.live()
    c = await t.client(s)
    assert await c.subscribe([NIFTY], "ltpc") == {NIFTY: "subscribed"}
    await c.wait(lambda: c.state.get(NIFTY, {}).get("ltp"), 5, "the index")
    assert "ohlc" not in await s.quote(NIFTY)
    d = await t.client(s)
    await d.subscribe([NIFTY], "full")
    await d.wait(lambda: "ohlc" in d.state.get(NIFTY, {}), 5, "the index in full")
    await d.close()
    await c.close()

    async def is_still():
        before = (await s.quote(NIFTY))["seq"]
        m = await s.metrics()
        ticks = m["agnidata_feed_ticks_total"]
        await until(lambda: _more(s, ticks + 8), 10, "others tick")
        return (await s.quote(NIFTY))["seq"] == before
    await until(is_still, 10, "the index ticks no more")


async def _more(s, ticks):
    return (await s.metrics())["agnidata_feed_ticks_total"] >= ticks


async def test_ws_unsubscribe(t):
    s, keys = await live(t, {"sim.speed": "20"})
    c = await t.client(s)
    await c.subscribe(keys)
    await c.flows()
    r = await c.ask({"action": "unsubscribe", "instruments": [keys[0], keys[1], "NSE_FO|1"]})
    assert [x["status"] for x in r["results"]] == ["unsubscribed", "unsubscribed", "not_subscribed"]
    assert r["subscriptions"] == str(len(keys) - 2)
    await c.flows(3)  # what had left before the answer
    c.wanted.difference_update(keys[:2])  # any further quote of these is a fault
    await c.flows(50)
    r = await c.ask({"action": "unsubscribe", "instruments": keys})
    assert r["subscriptions"] == "0"
    frames = c.frames
    ticks = (await s.metrics())["agnidata_feed_ticks_total"]
    await until(lambda: _more(s, ticks + 500), 10, "500 ticks")
    assert c.frames == frames


async def test_ws_errors(t):
    """Every wrong command gets an answer with a code; the connection stays."""
    s, _ = await live(t)
    c = await t.client(s)
    for command, code in (("{", "bad_json"), ("", "bad_json"), ("nonsense", "bad_json"),
                          ('{"action":"ping"} x', "bad_json"), ('{"a":NaN}', "bad_json"),
                          ('{"a":1,}', "bad_json"), ("[" * 200 + "]" * 200, "bad_json"),
                          ("[]", "bad_request"), ("7", "bad_request"), ("{}", "bad_request"),
                          ('{"action":7}', "bad_request"), ('{"action":"dance"}', "unknown_action"),
                          ('{"action":"subscribe"}', "bad_request"),
                          ('{"action":"subscribe","instruments":"x"}', "bad_request"),
                          ('{"action":"subscribe","instruments":[],"mode":"deep"}', "unknown_mode"),
                          ('{"action":"subscribe","instruments":[],"mode":1}', "unknown_mode"),
                          ('{"action":"subscribe","instruments":[],"policy":"every"}',
                           "unknown_policy"),
                          ('{"action":"unsubscribe"}', "bad_request")):
        n = len(c.replies)
        await c.send(command)
        await c.wait(lambda k=n: len(c.replies) > k, 5, f"an answer to {command[:40]}")
        r = c.replies[-1]
        assert r["type"] == "error" and r["code"] == code and r["message"], (command[:40], r)
    assert (await s.metrics())["agnidata_stream_bad_commands_total"] == 18
    r = await c.ask({"action": "ping"})
    assert r["type"] == "pong" and r["server_time"]
    await c.send(json.dumps({"action": "ping", "id": "b"}).encode())  # binary: the content decides
    await c.wait(lambda: c.replies[-1].get("id") == "b", 5, "pong")
    assert await asyncio.wait_for(await c.ws.ping(), generous(5)) is not False  # the protocol's own


async def test_ws_flood_of_commands(t):
    """A burst is taken; who goes on is closed with 4009."""
    s, _ = await live(t, {"stream.commands_per_s": "50"})
    c = await t.client(s)
    for _ in range(60):
        await c.send({"action": "ping"})
    await c.wait(lambda: len(c.replies) == 60, 5, "sixty answers")
    try:
        for _ in range(5000):  # faster than 50 a second, also where that is not easy
            await c.send({"action": "ping"})
    except websockets.ConnectionClosed:
        pass
    await c.wait(lambda: c.closed, 5, "the close")
    assert c.closed == 4009, c.closed
    assert (await t.client(s)).hello


async def test_ws_another_epoch(t):
    """Who names no epoch, or another, is told so, and gets a snapshot: nothing is pretended."""
    s, _ = await live(t)
    c = await t.client(s)
    assert await c.subscribe([NIFTY], from_seq=1) == {NIFTY: "subscribed"}
    await c.wait(lambda: c.replies[-1]["type"] == "cannot_resume", 5, "cannot_resume")
    r = c.replies[-1]
    assert r["epoch"] == c.hello["epoch"] and int(r["newest"]) >= int(r["floor"]) > 0
    assert r["reason"] == "another_epoch"


async def test_ws_size_of_a_command(t):
    """256 KiB and not a byte more, in one frame or in many; 1009 beyond."""
    s, _ = await live(t)
    c = await t.client(s)
    body = json.dumps({"action": "ping", "id": "big"})
    await c.send(body + " " * (262144 - len(body)))
    await c.wait(lambda: c.replies and c.replies[-1].get("id") == "big", 5, "256 KiB are taken")
    await c.ws.send(iter([body[:20], body[20:].replace("big", "cut")]))
    await c.wait(lambda: c.replies[-1].get("id") == "cut", 5, "fragments are joined")
    await c.send(body + " " * (262145 - len(body)))
    await c.wait(lambda: c.closed, 5, "the close")
    assert c.closed == 1009, c.closed
    d = await t.client(s)
    try:
        await d.ws.send(iter([body] + [" " * 60000] * 8))
    except websockets.ConnectionClosed:
        pass
    await d.wait(lambda: d.closed, 5, "the close")
    assert d.closed == 1009, d.closed
    assert (await t.client(s)).hello, "others may still come"


async def test_ws_bad_bytes(t):
    """What breaks the protocol closes that connection, with the code for it."""
    s, _ = await live(t)
    for frame, code in ((b"\x81\x82\0\0\0\0\xc3\x28", 1007),     # text that is not UTF-8
                        (b"\xf1\x80\0\0\0\0", 1002),             # reserved bits
                        (b"\x83\x80\0\0\0\0", 1002),             # an unknown opcode
                        (b"\x89\xfe\0\x7e\0\0\0\0", None)):      # a ping of 126 bytes
        d = t.deaf_client(s, [NIFTY])
        d.sock.send(frame)
        frames = await d.frames(lambda got: any(op == 8 for op, _ in got), 5,
                                f"a close after {frame}", may_end=code is None)
        close = [int.from_bytes(p[:2], "big") for op, p in frames if op == 8]
        assert close == [code] or code is None and close in ([], [1002]), (frame, close)


async def test_ws_handshake(t):
    """Who is let in, and what the others are told."""
    s, _ = await live(t, {"stream.origins": "https://desk.example, http://other.example:81"})
    page = f"http://127.0.0.1:{s.http[1]}"
    own = f"127.0.0.1:{s.ws[1]}"

    async def shake(**kw):
        """The status, and the error's code or the headers. A 101 leaves the connection open."""
        reader, writer = await asyncio.open_connection(*s.ws)
        writer.write(upgrade(**kw))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), generous(5))
        raw = head if b" 101 " in head else head + await asyncio.wait_for(reader.read(-1), generous(5))
        writer.close()
        r = parse_replies(raw)[0]
        return r.status, r.headers if r.status == 101 else r.error()

    for origin in (None, page, f"http://{own}", f"http://localhost:{s.http[1]}",
                   "https://desk.example", "http://other.example:81"):
        more = {"Origin": origin} if origin else {}
        status, headers = await shake(host=own, **more)
        assert status == 101, (origin, headers)
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert "sec-websocket-extensions" not in headers
    for origin in ("https://evil.example", "null", "http://desk.example",
                   "https://desk.example:444", "https://desk.example.evil.example",
                   "http://127.0.0.1:1", "http://other.example"):
        assert await shake(host=own, Origin=origin) == (403, "origin_not_allowed"), origin
    for host in ("evil.example", f"evil.example:{s.ws[1]}", "127.0.0.1.evil.example", "192.0.2.1"):
        assert await shake(host=host) == (403, "host_not_allowed"), host
    for path in ("/", "/ws/", "/WS", "/ws2", "/v3/feed", "/v2/feed/market-data-feed"):
        assert await shake(path=path) == (404, "not_found"), path
    assert (await shake(path="/ws?x=y"))[0] == 101
    status, headers = await shake(Sec_WebSocket_Extensions="permessage-deflate")
    assert status == 101 and "sec-websocket-extensions" not in headers, "deflate is off by default"
    for raw, want in ((upgrade().replace(b"Version: 13", b"Version: 12"), 426),
                      (b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
                      (upgrade().replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400)):
        r = parse_replies(await exchange(s.ws, raw))[0]
        assert r.status == want and r.error(), (raw, r.status)
        assert want != 426 or r.headers["sec-websocket-version"] == "13"


async def test_ws_too_many_clients(t):
    s, _ = await live(t, {"stream.max_clients": "3"})
    clients = [await t.client(s) for _ in range(3)]
    r = parse_replies(await exchange(s.ws, upgrade()))[0]
    assert (r.status, r.error()) == (503, "too_many_connections")
    await clients[0].close()

    async def has_place():
        return (await s.metrics())["agnidata_stream_clients"] == 2
    await until(has_place, 5, "a free place")
    assert (await t.client(s)).hello


async def test_ws_heartbeat(t):
    """A client whose instruments are quiet learns that it has missed nothing."""
    s, _ = await live(t, {"stream.heartbeat_s": "1"})
    c = await t.client(s)
    await c.wait(lambda: any(r["type"] == "heartbeat" for r in c.replies), 5, "a heartbeat")
    assert c.seq > 0 and c.frames == 0
