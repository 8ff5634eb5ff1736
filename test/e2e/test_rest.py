# SPDX-License-Identifier: MIT
"""REST as a client, a proxy, a browser and an attacker meet it."""
import asyncio
import json
import re

from lib import exchange, generous, http, loads, parse_replies, quote_key, until

HOST = b"Host: 127.0.0.1\r\n"


async def served(t, sets=None):
    s = await t.server(sets)
    await s.live()
    return s


async def status_of(s, raw, *more, **kw):
    """The one answer to raw bytes, after which the server closes."""
    replies = parse_replies(await exchange(s.http, raw, *more, **kw))
    assert len(replies) == 1, f"{len(replies)} answers to {raw[:80]}"
    assert replies[0].headers["connection"] == "close"
    return replies[0].status, replies[0].error()


def headers_are_safe(r):
    """What every answer carries, and what none does."""
    assert r.headers["cache-control"] == "no-store"
    assert r.headers["x-content-type-options"] == "nosniff"
    assert "server" not in r.headers and "agnidata" not in str(r.headers)
    assert int(r.headers["content-length"]) == len(r.body)


async def test_rest_health(t):
    s = await served(t)
    r = await s.get("/health")
    headers_are_safe(r)
    h = r.data()
    assert h["service"] == "agnidata" and h["status"] == "UP" and h["why"] == "all is well", h
    assert h["source"] == "sim" and h["has_token"] is True and h["stale"] is False
    ist = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30"
    assert re.fullmatch(ist, h["now"]) and re.fullmatch(ist, h["market_time"])
    assert h["market_time"].startswith("2026-11-20T09:15"), "market time is not the feed's"
    assert h["market_phase"] == "open" and h["session_open"] is True and h["upstream"] == "live"
    assert int(h["seq"]) > 0 and int(h["instruments"]) == 41
    assert re.fullmatch("[0-9a-f]+", h["epoch"])
    names = ["tape", "bars", "store", "http", "ws", "audit", "auth", "token", "refdata",
             "options", "futures", "signals", "outputs", "api", "stream", "sim",
             "feed"]
    assert list(h["modules"]) == names
    assert all(m["status"] == "UP" for m in h["modules"].values()), h["modules"]


async def test_rest_quotes(t):
    s = await served(t)
    listing = (await s.get("/quotes")).data()
    assert len(listing["quotes"]) == 41 and int(listing["seq"]) > 0 and listing["epoch"]
    keys = [q["key"] for q in listing["quotes"]]
    for key in keys:
        q = await s.quote(key)
        assert q["key"] == key and q["stale"] is False and int(q["age_ms"]) >= 0
        assert int(q["ts_ms"]) > 0 and int(q["recv_ms"]) > 0 and int(q["seq"]) > 0 and q["ltp"]
    index = await s.quote("NSE_INDEX|Nifty 50")
    assert "depth" not in index and "vtt" not in index and index["ohlc"]["1d"]["open"]
    option = await s.quote(next(k for k in keys if k.startswith("NSE_FO|9")))
    assert len(option["depth"]) == 5 and all(len(row) == 4 for row in option["depth"])
    # A selection, in the order of the question; what has no state is left out.
    want = ["NSE_EQ|INE467B01029", "NSE_INDEX|Nifty 50"]
    r = await s.get("/quotes?keys=" + quote_key(",".join([*want, "NSE_EQ|NONE"])))
    assert [q["key"] for q in r.data()["quotes"]] == want
    # Percent-encoding: all of it, as little as may be, lower-case digits; "+" is a plus.
    for target in ("NSE_INDEX%7CNifty%2050", "NSE%5FINDEX%7cNifty%2050", "NSE_INDEX|Nifty%2050"):
        assert (await s.get("/quotes/" + target)).data()["key"] == "NSE_INDEX|Nifty 50", target
    r = await s.get("/quotes/NSE_INDEX%7CNifty+50")
    assert (r.status, r.error()) == (404, "unknown_instrument")
    for target, status, code in (("NSE_EQ%7CINE000000000", 404, "unknown_instrument"),
                                 ("nonsense", 400, "invalid_instrument"),
                                 ("%22%3E%3Cscript%3E", 400, "invalid_instrument")):
        r = await s.get("/quotes/" + target)
        assert (r.status, r.error()) == (status, code), target


async def test_rest_paths_and_methods(t):
    s = await served(t)
    for target in ("/nothing", "/quote/a/b", "/HEALTH", "/health/", "//health"):
        r = await s.get(target)
        assert (r.status, r.error()) == (404, "not_found"), target
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        r = await s.get("/health", method=method)
        assert r.status == 405 and r.error() == "method_not_allowed", method
        assert {m.strip() for m in r.headers["allow"].split(",")} >= {"GET", "HEAD"}, r.headers
    r = await s.get("/health", method="TRACE")
    assert r.status == 405 and "allow" in r.headers
    # HEAD: the headers of GET without the body. /page.json has the same length each time.
    head, get = await s.get("/page.json", method="HEAD"), await s.get("/page.json")
    assert head.status == get.status == 200 and head.body == b""
    assert head.headers == get.headers
    r = await s.get("/nothing", method="HEAD")
    assert r.status == 404 and r.body == b""


async def test_rest_keep_alive(t):
    """Several requests on one connection, one after the other and all at once."""
    s = await served(t)
    reader, writer = await asyncio.open_connection(*s.http)
    for _ in range(3):
        writer.write(b"GET /page.json HTTP/1.1\r\n" + HOST + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), generous(5))
        assert b"200 OK" in head and b"Connection: keep-alive" in head
        size = int(re.search(rb"Content-Length: (\d+)", head)[1])
        assert loads(await reader.readexactly(size))["ws_port"] == str(s.ws[1])
    writer.close()
    raw = b"".join(b"%s %s HTTP/1.1\r\n%s%s\r\n" % (m, p, HOST, c) for m, p, c in (
        (b"GET", b"/page.json", b""), (b"HEAD", b"/page.json", b""), (b"GET", b"/nothing", b""),
        (b"GET", b"/health", b"Connection: close\r\n"), (b"GET", b"/never", b"")))
    replies = parse_replies(await exchange(s.http, raw), heads=(1,))
    assert [r.status for r in replies] == [200, 200, 404, 200], "nothing after Connection: close"
    # HTTP/1.0 closes, unless it is asked not to.
    replies = parse_replies(await exchange(s.http, b"GET /page.json HTTP/1.0\r\n\r\n"))
    assert [r.status for r in replies] == [200] and replies[0].headers["connection"] == "close"


async def test_rest_malformed(t):
    """400 (or what says it better), and the connection is over."""
    s = await served(t)
    get = b"GET /health HTTP/1.1\r\n"
    for raw in (b"GET  /health HTTP/1.1\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"GET health HTTP/1.1\r\n" + HOST + b"\r\n",
                get + b"\r\n", get + HOST + HOST + b"\r\n", get + b"Host: a b\r\n\r\n",
                get + HOST + b"X : y\r\n\r\n", get + HOST + b"X: a\r\n folded\r\n\r\n",
                get + HOST + b"X: a\x00b\r\n\r\n", get + HOST + b"\xff: a\r\n\r\n",
                b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n",
                b"GET /a%00b HTTP/1.1\r\n" + HOST + b"\r\n"):
        status, code = await status_of(s, raw)
        assert (status, code) == (400, "bad_request"), (raw, status, code)
    for raw, want in ((b"hello\r\n\r\n", (400, 501)),
                      (b"GET /health\r\n\r\n", (400, 505)),
                      (b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", (400, 505)),
                      (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 501)),
                      (get + HOST + b"Expect: cake\r\n\r\n", (417,)),
                      (get + b"Host: evil.example\r\n\r\n", (403,)),
                      (b"GET http://evil.example/health HTTP/1.1\r\n" + HOST + b"\r\n", (403,))):
        status, code = await status_of(s, raw)
        assert status in want, (raw, status, code)
    assert (await s.get("/health")).status == 200


async def test_rest_smuggling(t):
    """A request whose length can be read in two ways is refused, and what follows is not served."""
    s = await served(t)
    post = b"POST /health HTTP/1.1\r\n" + HOST
    inner = b"GET /quotes HTTP/1.1\r\n" + HOST + b"\r\n"
    for lines in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                  b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                  b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 5, 6\r\n",
                  b"Content-Length: +5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 0x5\r\n",
                  b"Content-Length: 99999999999999999999\r\n", b"Content-Length : 5\r\n",
                  b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"):
        status, _ = await status_of(s, post + lines + b"\r\n0\r\n\r\n" + inner)
        assert status in (400, 413), lines
    for coding in (b"identity", b"chunked, gzip", b"gzip, chunked", b"xchunked"):
        status, _ = await status_of(
            s, post + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" + inner)
        assert status in (400, 501), coding
    old = b"POST /health HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    status, _ = await status_of(s, old + inner)
    assert status == 400
    for body in (b"zz\r\n", b"5\nhello\n0\n\n", b"-1\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n",
                 b"5\r\nhelloX\r\n"):
        status, _ = await status_of(s, post + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        assert status in (400, 413), body
    # The honest form of the same passes, and the next request is served.
    raw = post + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n" + \
        inner.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert [r.status for r in parse_replies(await exchange(s.http, raw))] == [405, 200]


async def test_rest_limits(t):
    """Sizes, counts and time: 408, 413, 414, 431, and 503 for one connection too many."""
    s = await served(t, {"http.max_connections": "20", "http.header_timeout_ms": "1500",
                         "http.body_timeout_ms": "1500"})
    get = b"GET /health HTTP/1.1\r\n" + HOST
    post = b"POST /health HTTP/1.1\r\n" + HOST
    long_target = b"GET /" + b"a" * 15000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    long_chunk = b"Transfer-Encoding: chunked\r\n\r\n10001\r\n" + b"a" * 65537
    for raw, want in ((long_target, (414, "uri_too_long")),
                      (get + b"X: " + b"a" * 20000 + b"\r\n\r\n", (431, None)),
                      (get + b"A: b\r\n" * 101 + b"\r\n", (431, None)),
                      (post + b"Content-Length: 65537\r\n\r\n", (413, "payload_too_large")),
                      (post + long_chunk, (413, None)),
                      (b"GET /heal", (408, "request_timeout")), (get, (408, "request_timeout")),
                      (post + b"Content-Length: 10\r\n\r\n12345", (408, "request_timeout"))):
        status, code = await status_of(s, raw)
        assert status == want[0] and (want[1] is None or code == want[1]), (raw[:60], status, code)
    # A body of exactly the limit is taken (and then the method refused).
    body = b"Content-Length: 65536\r\nConnection: close\r\n\r\n" + b"a" * 65536
    assert parse_replies(await exchange(s.http, post + body))[0].status == 405
    # Trickling does not help: the time is total.
    async def pause():
        await asyncio.sleep(0.6)
    status, _ = await status_of(s, b"GET", b" /he", b"alth", b" HTTP", pause=pause)
    assert status == 408
    open_ones = [await asyncio.open_connection(*s.http) for _ in range(20)]
    status, code = await status_of(s, b"")
    assert (status, code) == (503, "too_many_connections")
    for _, writer in open_ones:
        writer.close()

    async def is_served():
        raw = await exchange(s.http, get + b"Connection: close\r\n\r\n")
        return parse_replies(raw)[0].status == 200
    await until(is_served, 5, "served again")


async def test_rest_metrics(t):
    """Prometheus text: every sample has HELP and TYPE, counters do not fall, histograms add up."""
    s = await served(t)
    r = await s.get("/metrics")
    assert r.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    described, typed, samples = {}, {}, {}
    for line in r.body.decode().splitlines():
        m = re.fullmatch(r"# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)", line)
        if m:
            table = described if m[1] == "HELP" else typed
            assert m[2] not in table, f"{m[2]} is described twice"
            table[m[2]] = m[3]
            continue
        m = re.fullmatch(r'([a-z][a-z0-9_]*)(\{le="([^"]+)"\})? (-?\d+(\.\d+)?)', line)
        assert m, f"not a sample: {line}"
        base = re.sub("_(bucket|sum|count)$", "", m[1])
        assert typed.get(m[1]) in ("counter", "gauge") or typed.get(base) == "histogram", line
        samples.setdefault(m[1], []).append((m[3], float(m[4])))
    assert described.keys() == typed.keys()
    for name, kind in typed.items():
        if kind == "histogram":
            buckets = samples[name + "_bucket"]
            values = [v for _, v in buckets]
            assert values == sorted(values) and buckets[-1][0] == "+Inf"
            assert values[-1] == samples[name + "_count"][0][1]
        else:
            assert len(samples[name]) == 1
            assert kind != "counter" or name.endswith(("_total", "_count")), name
    before = await s.metrics()
    await s.get("/health")
    after = await s.metrics()
    checks = "agnidata_api_health_checks_total"
    assert after[checks] == before[checks] + 1
    assert all(after[n] >= before[n] for n, k in typed.items() if k == "counter")
    assert after["process_open_fds"] < 60 and after["process_resident_memory_bytes"] > 1e6


async def test_rest_page(t):
    """The page runs on its own, and may talk to nobody but us."""
    s = await served(t)
    r = await s.get("/")
    headers_are_safe(r)
    assert r.status == 200 and r.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(p.strip().partition(" ")[::2]
                  for p in r.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert "*" not in policy.values() and r.headers["referrer-policy"] == "no-referrer"
    page = r.body.decode()
    assert "<title>agnidata</title>" in page
    foreign = re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert not foreign, f"the page loads from elsewhere: {foreign}"
    r = await s.get("/page.json")
    assert json.loads(r.body) == {"ws_port": s.ws[1], "ws_tls": False, "heartbeat_s": 15}


async def test_rest_sim_is_apart(t):
    """The door for faults belongs to the exchange's port, not to ours."""
    s = await served(t)
    assert (await s.get("/sim/fault?kind=drop", method="POST")).status == 404
    assert (await http(s.sim, "/sim/fault?kind=nonsense", "POST")).status == 400
    assert (await http(s.sim, "/v2/user/profile")).status == 401
