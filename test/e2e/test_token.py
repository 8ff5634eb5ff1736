# SPDX-License-Identifier: MIT
"""The token from its first day to its last: startup, renewal, revocation, three failures, revival,
03:30 IST, and that it is nowhere to be read."""
import asyncio
import glob
import json
import os
import re
import signal

from lib import FLAVOUR, Skip, alone, free_port, http, loads, run_binary, until

ACCOUNT = "agnidata001"
FAST = {"token.retry_ms": "50", "token.poll_s": "3600"}


async def status(s):
    return (await s.get("/token/status")).data()


async def post(s, path, body, kind="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await s.get(path, method="POST", body=body, headers=[f"Content-Type: {kind}"])


async def token_of_sim(s):
    return loads((await http(s.sim, f"/accounts/{ACCOUNT}/token")).body)["access_token"]


async def ready(s, generation, limit=10):
    async def is_ready():
        st = await status(s)
        return st["state"] == "READY" and st["generation"] == str(generation)
    await until(is_ready, limit, f"generation {generation} is in place")


async def a_hundred(t, s):
    """Clients that watch, each a part."""
    keys = sorted(await s.quotes())
    clients = [await t.client(s) for _ in range(100)]
    for i, c in enumerate(clients):
        await c.subscribe([keys[i % len(keys)]], "ltpc")
    return clients


def stale_since(clients, marks):
    return [st for c, n in zip(clients, marks) for _, st in c.statuses[n:] if st["stale"]]


@alone
async def test_token_story(t):
    """Startup, a swap under 100 clients, a revocation without a way out, and revival by hand."""
    s = await t.server({**FAST, "sim.speed": "20"})
    await s.live()
    st = await status(s)
    assert st["account"] == ACCOUNT and st["source"] == "source" and st["kind"] == "daily", st
    assert st["expires"].endswith("T03:30:00.000+05:30") and int(st["generation"]) == 1, st
    clients = await a_hundred(t, s)
    await clients[0].flows(20)

    # The broker forgets the token; the token API has the next one.
    marks = [len(c.statuses) for c in clients]
    await s.fault("renew")
    answer = (await s.get("/token/validate")).data()
    assert answer["valid"] is False and answer["error_code"] == "UDAPI100050", answer
    assert answer["asked"] == "GET /v3/feed/market-data-feed/authorize", answer
    await ready(s, 2)

    async def has_swapped():
        m = await s.metrics()
        return m["agnidata_feed_swaps_total"] == 1 and m["agnidata_sim_sessions"] == 1
    await until(has_swapped, 10, "the new token took over, the old connection is closed")
    await clients[0].flows(20)
    assert not stale_since(clients, marks), "a client was told of a pause"
    assert (await s.get("/token/validate")).data()["valid"] is True

    # Revoked, and the token API does not know better.
    await s.fault("unauthorized")
    assert (await s.get("/token/validate")).data()["valid"] is False

    async def has_failed():
        return (await status(s))["state"] == "FAILED"
    await until(has_failed, 10, "three tries, then beyond repair")
    r = await s.get("/health")
    assert r.status == 503 and "after 3 tries" in r.json()["data"]["why"], r.body
    for c in clients:
        await c.wait(lambda c=c: c.statuses[-1][1].get("code") == "token_failed" and
                     c.statuses[-1][1]["stale"], 5, "the notice")
    assert (await s.quotes()), "what is known is served"
    assert (await s.get("/token/validate")).status == 404

    # Somebody brings another.
    await s.fault("renew")
    r = await post(s, "/token/update", {"access_token": await token_of_sim(s)})
    assert r.data()["state"] == "READY" and r.data()["source"] == "update", r.body
    await ready(s, 3)
    for c in clients:
        await c.wait(lambda c=c: not c.statuses[-1][1]["stale"], 10, "data again")
    await clients[0].flows(20)
    assert (await s.get("/health")).status == 200
    for c in clients:
        c.check()
        assert c.closed is None, f"client {c.name} was disconnected: {c.closed}"
    story = [m[1] for m in (re.search(r"token: (\w+ -> \w+)", line) for line in s.log) if m]
    assert story[0] == "BOOT -> FETCHING" and "REFRESHING -> FAILED" in story, story
    assert story[-1] == "FAILED -> READY", story


async def test_token_one_refresh_for_fifty(t):
    """Fifty requests meet the 401 at once: the token API is asked once."""
    s = await t.server(FAST)
    await s.live()
    before = (await s.metrics())["agnidata_sim_source_asked_total"]
    await s.fault("renew")
    answers = await asyncio.gather(*(s.get("/token/validate") for _ in range(50)))
    # Who comes when the token is gone already is told so.
    assert {r.status for r in answers} <= {200, 404}, [r.status for r in answers]
    assert any(r.status == 200 and r.data()["valid"] is False for r in answers)
    await ready(s, 2)
    m = await s.metrics()
    assert m["agnidata_sim_source_asked_total"] == before + 1, m
    assert m["agnidata_token_refusals_total"] == 1


async def test_token_status_codes(t):
    """What each mistake is answered with; nothing of it replaces anything."""
    s = await t.server({**FAST, "http.body_max_bytes": "4096"})
    await s.live()
    good = {"access_token": await token_of_sim(s)}
    for path in ("/token", f"/accounts/{ACCOUNT}/token"):
        assert (await s.get(path + "/status")).status == 200
        assert (await s.get(path + "/validate")).status == 200
        r = await s.get(path + "/update")
        assert r.status == 405 and r.headers["allow"] == "POST", (r.status, r.headers)
    for body, code, kind in (
            (b"", "bad_request", 400), (b"{", "bad_request", 400), (b"[]", "bad_request", 400),
            (b'{"access_token":7}', "bad_request", 400),
            (b'{"access_token":"a b"}', "bad_request", 400),
            (b'{"access_token":"a","access_token":"b"}', "bad_request", 400),
            (b'{"access_token":"a","expires_at":"soon"}', "bad_request", 400),
            (b'{"access_token":"a","expires_at":"2001-01-01T00:00:00"}', "expired", 400),
            (b'{"access_token":"a","account_id":"other"}', "other_account", 409),
            (b'{"access_token":"not-this-one"}', "token_refused", 400)):
        r = await post(s, "/token/update", body)
        assert (r.status, r.error()) == (kind, code), (body, r.status, r.body)
        assert b"not-this-one" not in r.body
    r = await post(s, "/token/update", good, "text/plain")
    assert (r.status, r.error()) == (415, "unsupported_media_type")
    r = await post(s, "/token/update", b"x" * 5000)
    assert r.status == 413
    for method, path in (("GET", "status"), ("GET", "validate"), ("POST", "update")):
        r = await s.get(f"/accounts/other/token/{path}", method=method)
        assert (r.status, r.error()) == (404, "unknown_account")
    assert (await s.get("/token/nothing")).status == 404
    r = await s.get("/token/login")
    assert (r.status, r.error()) == (404, "login_is_off")
    r = await post(s, "/token/notify/" + "x" * 40, {})
    assert (r.status, r.error()) == (404, "not_found")
    assert (await status(s))["generation"] == "1"
    r = await post(s, "/token/update", good, "application/json; charset=utf-8")
    assert r.data()["generation"] == "2"


async def test_token_broker_away(t):
    """A broker that cannot be asked: 503, and nothing is replaced."""
    port = free_port()
    s = await t.server({**FAST, "upstream.mode": "upstox",
                        "upstream.api_url": f"http://127.0.0.1:{port}"})
    r = await post(s, "/token/update", {"access_token": "abcdef"})
    assert (r.status, r.error()) == (503, "broker_unreachable"), r.body
    assert (await status(s))["has_token"] is False
    assert (await s.get("/token/validate")).status == 404


async def test_token_exit(t):
    """token.on_failure=exit: a graceful stop, and exit code 3."""
    s = await t.server({**FAST, "token.on_failure": "exit"})
    await s.live()
    c = await t.client(s)
    await s.fault("unauthorized")
    assert (await s.get("/token/validate")).data()["valid"] is False
    await s.ended()
    s.check(code=3)
    assert s.find("REFRESHING -> FAILED") and s.find(r"uv_loop_close: 0$")
    await c.wait(lambda: c.closed == 1001, 5, "a close frame")


async def test_token_source_away_for_a_while(t):
    """The token API is down when the token is refused, and back before the tries are used up."""
    s = await t.server({**FAST, "token.retry_ms": "500"})
    await s.live()
    await s.fault("source_down")
    await s.fault("renew")
    assert (await s.get("/token/validate")).data()["valid"] is False
    await s.logged("the token API answered 503; try 2 of 3")
    await s.fault("source_up")
    await ready(s, 2)


async def test_token_login(t):
    """The OAuth way: a link, the broker's redirect, the exchange; each state works once."""
    port = free_port()
    s = await t.server({**FAST, "http.listen": f"127.0.0.1:{port}", "token.client_id": "app-1",
                        "token.client_secret": "very-secret",
                        "token.redirect_uri": f"http://127.0.0.1:{port}/token/callback"})
    await s.live()

    async def log_in():
        url = (await s.get("/token/login")).data()["login_url"]
        assert "very-secret" not in url
        m = re.fullmatch(r"http://127\.0\.0\.1:\d+(/v2/login/authorization/dialog\?.*)", url)
        r = await http(s.sim, m[1])
        assert r.status == 302, r.body
        return re.fullmatch(r"http://127\.0\.0\.1:%d(/token/callback\?.*)" % port,
                            r.headers["location"])[1]
    back = await log_in()
    r = await s.get(back)
    assert r.status == 200 and b"in place" in r.body, r.body
    st = await status(s)
    assert st["source"] == "login" and st["generation"] == "2", st
    r = await s.get(back)
    assert r.status == 403, "a state works once"
    back = await log_in()
    r = await s.get(back.replace("code=", "code=x"))
    assert r.status == 503 and (await status(s))["generation"] == "2"
    assert (await s.get("/token/callback?code=a&state=" + "0" * 32)).status == 403
    assert (await s.get("/token/callback?error=access_denied")).status == 400
    assert "very-secret" not in "\n".join(s.log)


async def test_token_not_for_pages(t):
    """A page of somebody else cannot make its visitor's browser ask the broker or void a login."""
    s = await t.server({**FAST, "token.client_id": "our-app", "token.client_secret": "x",
                        "token.redirect_uri": "http://127.0.0.1:1/token/callback"})
    for path in ("/token/login", "/token/validate"):
        for site in ("cross-site", "same-site"):  # an image, a link, a form: without Origin
            r = await s.get(path, headers=[f"Sec-Fetch-Site: {site}"])
            assert r.status == 403 and b"origin_not_allowed" in r.body, (path, site, r.status)
        r = await s.get(path, headers=["Origin: http://other.example"])
        assert r.status == 403, path
        for site in ("same-origin", "none"):  # our own page, the address bar
            assert (await s.get(path, headers=[f"Sec-Fetch-Site: {site}"])).status in (200, 404)
    assert (await s.get("/token/status", headers=["Sec-Fetch-Site: cross-site"])).status == 200


async def test_token_notifier(t):
    """The broker's webhook: the path, the client id, and the token itself have to be right."""
    path = "/token/notify/" + "n" * 40
    s = await t.server({**FAST, "token.client_id": "app-1", "token.notifier_path": "n" * 40})
    await s.live()
    good = {"client_id": "app-1", "user_id": "ABC123", "access_token": await token_of_sim(s),
            "token_type": "Bearer", "expires_at": "4102444800000", "issued_at": "1731412800000",
            "message_type": "access_token"}
    for change, code in (({"client_id": "app-2"}, 403), ({"access_token": "zzz"}, 400),
                         ({"message_type": "other"}, 400), ({"client_id": None}, 400)):
        r = await post(s, path, {**good, **change})
        assert r.status == code, (change, r.status, r.body)
    assert (await post(s, path[:-1] + "m", good)).status == 404
    assert (await status(s))["generation"] == "1"
    assert (await post(s, path, good)).status == 200
    st = await status(s)
    assert st["generation"] == "2" and st["source"] == "notifier", st
    assert st["expires"].endswith("T03:30:00.000+05:30"), "a daily token, whatever it says"
    assert "n" * 40 not in "\n".join(s.log)


async def test_token_kept(t):
    """A restart asks nobody for a token; a changed byte is named; another key loses nothing."""
    sets = {**FAST, "sim.token": "the-token-of-the-exchange-of-this-test"}
    s = await t.server(sets)
    await s.live()
    await s.stop()
    sealed = glob.glob(os.path.join(t.folder, "var", "sim", "token-*.sealed"))
    assert len(sealed) == 1, sealed
    with open(sealed[0], "rb") as f:
        record = f.read()
    assert b"the-token" not in record and json.loads(record)["account"] == ACCOUNT
    s = await t.server(sets)
    await s.live()
    m = await s.metrics()
    assert m["agnidata_sim_source_asked_total"] == 0 and m["agnidata_token_generation"] == 1
    await s.stop()

    flipped = bytearray(record)
    flipped[-10] ^= 4
    with open(sealed[0], "wb") as f:
        f.write(flipped)
    s = await t.server(sets)
    await s.live()
    assert s.find("ERROR token: in the file: the sealed token was altered")
    await s.stop()

    with open(sealed[0], "wb") as f:
        f.write(record)
    key = os.path.join(t.folder, "var", "sim", "seal.key")
    with open(key, "r+", encoding="ascii") as f:
        text = f.read()
        f.seek(0)
        f.write(text.replace(text[:16], "0123456789abcdef"))
    s = await t.server(sets)
    await s.live()
    h = await s.health()
    assert "not in the key file" in h["modules"]["token"]["why"], h
    await s.stop()
    with open(sealed[0], "rb") as f:
        assert f.read() == record, "the record was written over"


async def test_token_seal_command(t):
    """New keys, rotation under a running server, and whether keys fit a record."""
    code, out, _ = await run_binary("seal", "new")
    assert code == 0 and re.fullmatch(r"[0-9a-f]{16} [0-9a-f]{64}\n", out), out
    keys = os.path.join(t.folder, "keys")
    with open(keys, "w", encoding="ascii") as f:
        f.write(out)
    assert (await run_binary("seal", "rotate", keys))[0] == 1, "others may read it"
    os.chmod(keys, 0o600)
    s = await t.server({**FAST, "token.seal_key_file": keys})
    await s.live()
    record = os.path.join(t.folder, "var", "sim", f"token-{ACCOUNT}.sealed")
    await until(lambda: os.path.exists(record), 5, "the record")
    first = out[:16]
    code, out, err = await run_binary("seal", "check", keys, record)
    assert code == 0 and out.startswith(f"sound: a token of {ACCOUNT}, generation 1, until "), err

    code, out, _ = await run_binary("seal", "rotate", keys)
    assert code == 0 and os.stat(keys).st_mode & 0o777 == 0o600
    second = re.search("the key ([0-9a-f]{16}) seals", out)[1]
    assert second != first
    assert (await run_binary("seal", "check", keys, record))[0] == 0, "the old key still opens"
    s.process.send_signal(signal.SIGHUP)

    def is_resealed():
        with open(record, encoding="ascii") as f:
            return json.loads(f.read())["kid"] == second
    await until(is_resealed, 5, "sealed with the new key")
    other = os.path.join(t.folder, "other")
    with open(other, "w", encoding="ascii") as f:
        f.write((await run_binary("seal", "new"))[1])
    os.chmod(other, 0o600)
    code, _, err = await run_binary("seal", "check", other, record)
    assert code == 1 and f"needs the key {second}" in err, err
    if os.geteuid() == 0:  # root's hand: the server of another user must still be let in
        os.chown(keys, 65534, 65534)
        assert (await run_binary("seal", "rotate", keys))[0] == 0
        assert (os.stat(keys).st_uid, os.stat(keys).st_gid) == (65534, 65534)
        os.chown(keys, 0, 0)
    for words in ((), ("rotate",), ("check", keys), ("nothing",)):
        assert (await run_binary("seal", *words))[0] == 2
    assert (await run_binary("seal", "--help"))[0] == 0
    for bad in ("/no/such/file", record):
        code, _, err = await run_binary("seal", "check", bad, record)
        assert code == 1 and bad in err, err


async def test_token_kept_in_redis(t):
    """With Redis the sealed token is there, with the token's own life, and nowhere else."""
    redis = await t.redis()
    sets = {**FAST, "redis.url": redis.url, "sim.token": "the-token-of-the-exchange-of-this-test"}
    s = await t.server(sets)
    await s.live()
    key = f"agni-sim:token:{{{ACCOUNT}}}"
    await until(lambda: redis.cmd("EXISTS", key), 10, "the sealed token is in Redis")
    ttl = await redis.cmd("PTTL", key)
    left = int((await status(s))["expires_ms"]) - int((await s.health())["uptime_s"]) * 0
    assert 0 < ttl <= 86400000 and left > 0
    await until(lambda: not glob.glob(os.path.join(t.folder, "var", "sim", "*.sealed")), 5,
                "no second copy in the folder")
    assert (await status(s))["kept"] == "Redis"
    await s.stop()
    s = await t.server(sets)
    await s.live()
    m = await s.metrics()
    assert m["agnidata_sim_source_asked_total"] == 0 and m["agnidata_token_generation"] == 1


class Broker:
    """A broker and a token API in this process: the tokens that count are not the server's own."""

    def __init__(self):
        self.good, self.source = set(), None

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if "/source" in head.split("\r\n")[0]:
            body = {"success": True, "access_token": self.source}
            code = "200 OK"
        else:
            m = re.search(r"(?im)^authorization: bearer (\S+)\r$", head)
            ok = m and m[1] in self.good
            code = "200 OK" if ok else "401 Unauthorized"
            body = {"status": "success", "data": {"authorized_redirect_uri": "ws://127.0.0.1:1/x"}}
            if not ok:
                body = {"status": "error", "errors": [{"errorCode": "UDAPI100050"}]}
        text = json.dumps(body).encode()
        writer.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                     % (code.encode(), len(text), text))
        await writer.drain()
        writer.close()


def memory_holds(pid, needle):
    """The mappings of a process in which the bytes stand."""
    found = []
    try:
        maps = open(f"/proc/{pid}/maps", encoding="ascii")
        mem = open(f"/proc/{pid}/mem", "rb", 0)
    except PermissionError:
        raise Skip("the memory of the process may not be read here") from None
    with maps, mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.).. \S+ \S+ \S+ *(.*)", line)
            if not m or m[4].startswith(("[vvar", "[vsyscall")):
                continue
            begin, end = int(m[1], 16), int(m[2], 16)
            try:
                mem.seek(begin)
                content = mem.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            found += [f"{line.strip()} +{i.start()}" for i in re.finditer(needle, content)]
    return found


async def secrets_shown(t, s, redis, tokens):
    """Where one of the tokens can be read that nobody was meant to read it."""
    shown = {"the log": "\n".join(s.log).encode()}
    for path in ("/health", "/metrics", "/token/status", "/token/validate", "/quotes", "/clients",
                 "/openapi.json", "/"):
        shown[path] = (await s.get(path)).body
    for key in await redis.cmd("KEYS", "*"):
        kind = await redis.cmd("TYPE", key.decode())
        value = await redis.cmd(*{"string": ("GET", key.decode()),
                                  "set": ("SMEMBERS", key.decode())}[kind])
        shown["Redis " + key.decode()] = value if isinstance(value, bytes) else b"".join(value)
    for folder, _, names in os.walk(t.folder):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                shown[name] = f.read()
    return [(where, token) for where, text in shown.items() for token in tokens
            if token.encode() in text]


async def broker_server(t, broker, redis, **more):
    """A server that has a broker, a Redis and no source of tokens."""
    return await t.server({**FAST, "upstream.mode": "upstox", "redis.url": redis.url,
                           "redis.retry_ms": "50", "redis.connect_timeout_ms": "500",
                           "upstream.api_url": f"http://127.0.0.1:{broker.port}", **more})


async def kept_in(s, place):
    async def is_there():
        return (await status(s))["kept"] == place
    await until(is_there, 10, f"kept in {place}")


async def test_token_redis_comes_late(t):
    """What Redis keeps is found, also when it answers long after the start."""
    redis, broker = await t.redis(), await Broker().start()
    broker.good.add("tok-kept")
    s = await broker_server(t, broker, redis)
    assert (await post(s, "/token/update", {"access_token": "tok-kept"})).status == 200
    await kept_in(s, "Redis")
    await s.stop()
    redis.pause()
    s = await broker_server(t, broker, redis)
    await s.logged("token: BOOT -> WAITING", 20)
    redis.resume()
    await ready(s, 1)
    await s.stop()
    broker.server.close()


async def kept_generation(redis, generation, prefix="agni:"):
    """Waits until the record in Redis is of that generation: "kept in Redis" may speak of the one
    before."""
    async def is_there():
        record = await redis.cmd("GET", f"{prefix}token:{{{ACCOUNT}}}")
        return record and json.loads(record)["generation"] == generation
    await until(is_there, 10, f"generation {generation} is in Redis")


async def test_token_newer_than_redis(t):
    """What was put in place while Redis was away is kept there when it comes, whatever it held."""
    redis, broker = await t.redis(), await Broker().start()
    broker.good.update(("tok-1", "tok-2", "tok-3"))
    s = await broker_server(t, broker, redis)
    for i in (1, 2):
        assert (await post(s, "/token/update", {"access_token": f"tok-{i}"})).status == 200
    await kept_generation(redis, 2)
    await s.stop()
    for left in glob.glob(os.path.join(t.folder, "var", "live", "token-*")):
        os.unlink(left)  # as on another machine
    redis.pause()
    s = await broker_server(t, broker, redis)
    await s.logged("token: BOOT -> WAITING", 20)
    assert (await post(s, "/token/update", {"access_token": "tok-3"})).status == 200
    await kept_in(s, "the file")
    redis.resume()
    await kept_generation(redis, 3)
    await kept_in(s, "Redis")
    assert (await status(s))["generation"] == "1"
    fingerprint = (await status(s))["fingerprint"]
    await s.stop()
    s = await broker_server(t, broker, redis)
    await ready(s, 3)
    assert (await status(s))["fingerprint"] == fingerprint, "the newer one"
    await s.stop()
    broker.server.close()


async def test_token_reload_with_redis(t):
    """After a SIGHUP the token is kept where it was: in Redis, under the key that is first now."""
    redis, broker = await t.redis(), await Broker().start()
    broker.good.update(("tok-1", "tok-2"))
    keys = os.path.join(t.folder, "keys")
    with open(keys, "w", encoding="ascii") as f:
        f.write((await run_binary("seal", "new"))[1])
    os.chmod(keys, 0o600)
    s = await broker_server(t, broker, redis, **{"token.seal_key_file": keys})
    assert (await post(s, "/token/update", {"access_token": "tok-1"})).status == 200
    await kept_in(s, "Redis")
    with open(keys, "w", encoding="ascii") as f:  # the old one is gone for good
        f.write((await run_binary("seal", "new"))[1])
    with open(keys, encoding="ascii") as f:
        second = f.read(16)
    s.process.send_signal(signal.SIGHUP)
    key = f"agni:token:{{{ACCOUNT}}}"

    async def is_resealed():
        return json.loads(await redis.cmd("GET", key) or "{}").get("kid") == second
    await until(is_resealed, 10, "sealed anew in Redis")
    await kept_in(s, "Redis")
    assert (await s.health())["modules"]["token"]["why"] == "a token is in place"
    assert not glob.glob(os.path.join(t.folder, "var", "live", "*.sealed"))
    await s.stop()
    await redis.cmd("DEL", key)  # as its life does at 03:30
    s = await broker_server(t, broker, redis, **{"token.seal_key_file": keys})
    assert (await post(s, "/token/update", {"access_token": "tok-2"})).status == 200
    assert (await status(s))["generation"] == "2", "it goes on over restarts"
    await s.stop()
    broker.server.close()


@alone
async def test_token_is_nowhere(t):
    """The live token stands in no log, answer, metric, file or Redis value; of a replaced one the
    process keeps no copy."""
    if FLAVOUR != "release":
        raise Skip("the memory of a sanitizer is too large to search")
    redis = await t.redis()
    broker = await Broker().start()
    tokens = [f"tok-{i}-" + os.urandom(24).hex() for i in range(3)]
    broker.good, broker.source = set(tokens), tokens[0]
    s = await t.server({**FAST, "upstream.mode": "upstox", "redis.url": redis.url,
                        "upstream.api_url": f"http://127.0.0.1:{broker.port}",
                        "token.source_url": f"http://127.0.0.1:{broker.port}/source",
                        "server.log_level": "debug"})
    await ready(s, 1)
    c = await t.client(s)
    assert memory_holds(s.process.pid, tokens[0].encode()), "the search finds what is there"
    assert (await post(s, "/token/update", {"access_token": tokens[1]})).status == 200
    await ready(s, 2)
    broker.source = tokens[2]
    broker.good.discard(tokens[1])
    assert (await s.get("/token/validate")).data()["valid"] is False
    await ready(s, 3)
    assert (await s.get("/token/validate")).data()["valid"] is True
    assert not await secrets_shown(t, s, redis, tokens)
    assert not any(token in json.dumps(c.hello) for token in tokens)

    def is_gone():
        return not any(memory_holds(s.process.pid, token.encode()) for token in tokens[:2])
    try:
        await until(is_gone, 5, "replaced tokens are gone from memory")
    except AssertionError:
        raise AssertionError([memory_holds(s.process.pid, x.encode()) for x in tokens[:2]]) from None
    with open(f"/proc/{s.process.pid}/coredump_filter", encoding="ascii"):
        pass
    assert os.stat(f"/proc/{s.process.pid}/mem").st_uid == 0, "not dumpable: root owns it"
    broker.server.close()


@alone
async def test_token_0330(t):
    """The host's clock passes 03:30 IST: the token dies, the next one takes over."""
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not library:
        raise Skip("libfaketime is not installed")
    if FLAVOUR != "release":
        raise Skip("a sanitizer wants to be loaded first, and so does libfaketime")
    s = await t.server({**FAST, "token.renew_before_s": "0"},
                       wrap=["env", f"LD_PRELOAD={library[0]}", "TZ=UTC",
                             "FAKETIME=@2026-01-22 21:59:56", "FAKETIME_DONT_FAKE_MONOTONIC=1"])
    await s.live()
    st = await status(s)
    assert st["expires"] == "2026-01-23T03:30:00.000+05:30", st
    await s.fault("renew")  # as the broker does at 03:30
    await s.logged("token: READY -> REFRESHING: the token died at 2026-01-23T03:30", 20)
    await ready(s, 2)
    st = await status(s)
    assert st["expires"] == "2026-01-24T03:30:00.000+05:30", st
    await s.live()
    m = await s.metrics()
    assert m["agnidata_token_expiries_total"] == 1 and m["agnidata_token_refusals_total"] == 0, m
