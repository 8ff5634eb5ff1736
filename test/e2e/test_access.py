# SPDX-License-Identifier: MIT
"""Who may come in: keys made by `agnidata key`, roles and scopes over REST and /ws, tickets, limits,
and what happens to those inside when their key goes."""
import asyncio
import json
import os
import re
import signal
import time

import websockets

from lib import (ROOT, SLOW, http, parse_replies, quote_key, run_binary, until, upgrade,
                 want_program)
from test_tls import secure_server

ROLES = ["anyone", "viewer", "trader", "operator", "admin"]
NIFTY, TCS = "NSE_INDEX|Nifty 50", "NSE_EQ|INE467B01029"
DOOR = {"key_required", "key_invalid", "key_expired", "role_not_sufficient"}


def auth(key):
    return [f"Authorization: Bearer {key}"] if key else []


async def ask(s, target, key=None, method="GET", headers=(), body=b""):
    return await http(s.http, target, method, [*auth(key), *headers], body)


async def knock(s, path="/ws", key=None):
    """The answer to a handshake: status, and the code of its error. Who gets in leaves at once."""
    reader, writer = await asyncio.open_connection(*s.ws)
    try:
        writer.write(upgrade(path, **({"Authorization": f"Bearer {key}"} if key else {})))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10 * SLOW)
        if b" 101 " in head.split(b"\r\n")[0]:
            return 101, ""
        (r,) = parse_replies(head + await asyncio.wait_for(reader.read(-1), 10 * SLOW))
    finally:
        writer.close()
    assert (r.status == 401) == (r.headers.get("www-authenticate") == "Bearer"), r.headers
    assert (r.status == 429) == ("retry-after" in r.headers), r.headers
    return r.status, r.error()


def document_table():
    """Rows (method, route, least role) of the table in docs/security.md."""
    with open(os.path.join(ROOT, "docs", "security.md")) as f:
        rows = re.findall(r"^\| (\w+) \| `([^`]+)` \| (\w+) \|$", f.read(), re.M)
    return [r for r in rows if r[2] in ROLES]


def target_of(route):
    """A route's pattern with something sensible in it."""
    names = {"key": quote_key(NIFTY), "id": "agnidata001"}
    return re.sub(r"\{(\w+)\}", lambda m: names.get(m[1], "x"), route)


async def test_access_openapi(t):
    """The description for tools names every route of the table, with its role, and says what each is."""
    s = await t.server()
    doc = json.loads((await s.get("/openapi.json")).body)
    assert doc["openapi"].startswith("3.0"), doc
    said = {(method.upper(), path, op["x-least-role"])
            for path, ops in doc["paths"].items() for method, op in ops.items()}
    assert said == {tuple(row) for row in document_table() if row[0] != "WebSocket"}, said
    for path, ops in doc["paths"].items():
        for op in ops.values():
            named = {p["name"] for p in op["parameters"] if p["in"] == "path"}
            assert op["summary"] and named == set(re.findall(r"{(\w+)}", path)), (path, op)
            assert (op.get("security") == []) == (op["x-least-role"] == "anyone"), (path, op)


async def test_access_matrix(t):
    """The table of the document, asked of the server: each route as each role, and as nobody."""
    keys = {role: await t.key("--role", role) for role in ROLES[1:]}
    keys["anyone"] = None
    s = await t.server({"limits.requests_per_s": "10000", "limits.failures_per_min": "10000"})
    rows = document_table()
    assert len(rows) >= 8 and ("WebSocket", "/ws", "viewer") in rows, rows
    for method, route, least in rows:
        for role in ROLES:
            if method == "WebSocket":
                status, code = await knock(s, route, keys[role])
            else:
                r = await ask(s, target_of(route), keys[role], method)
                is_json = r.headers.get("content-type", "").startswith("application/json")
                status, code = r.status, r.error() if r.status >= 400 and is_json else ""
            if code == "UDAPI100050":  # the broker has one code for all of these
                code = "key_required" if role == "anyone" else "key_invalid"
            what = f"{method} {route} as {role}: {status} {code}"
            if ROLES.index(role) >= ROLES.index(least):
                assert code not in DOOR and status != 405, what
                assert status not in (401, 403) or least == "anyone", what
            elif role == "anyone":
                assert (status, code) == (401, "key_required"), what
            else:
                assert (status, code) == (403, "role_not_sufficient"), what


async def test_access_open_door(t):
    """Without keys: one loud line, a word in /health, and everything is allowed."""
    s = await t.server()
    loud = [line for line in s.log if " WARN  auth: NO API KEYS" in line]
    assert len(loud) == 1 and "agnidata key add" in loud[0], s.log
    h = await s.health()
    assert h["access"] == "open" and h["modules"]["auth"]["why"].startswith("OPEN"), h
    for kind, route, _ in document_table():
        if kind != "WebSocket":
            method = "POST" if route == "/ws-ticket" else "GET"
            r = await ask(s, target_of(route), None, method)
            assert r.status not in (401, 403), (route, r.status)
    assert await knock(s) == (101, "")


async def test_access_key_command(t):
    path = os.path.join(t.folder, "var", "keys.jsonl")
    assert (await t.key_command("list")) == ""
    assert "needs no key" in (await run_binary("key", "list", "--set", f"server.data_dir={t.folder}/var"))[2]
    key = await t.key("--role", "viewer", "--name", "desk1", "--scope", "NSE_INDEX|*, NSE_FO|*",
                      "--expires", "90d", "--connections", "4", "--requests=20", "--commands", "5")
    other = await t.key("--role=admin")
    assert os.stat(path).st_mode & 0o7777 == 0o600
    assert os.stat(os.path.dirname(path)).st_mode & 0o7777 == 0o700
    with open(path) as f:
        text = f.read()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [k["name"] for k in lines] == ["desk1", lines[1]["id"]]
    assert lines[0]["scope"] == ["NSE_INDEX|*", "NSE_FO|*"] and lines[0]["connections"] == 4
    assert lines[0]["id"] == key[5:13] and lines[1]["id"] == other[5:13]
    assert set(lines[1]) == {"id", "name", "role", "created", "salt", "hash"}, lines[1]
    out = await t.key_command("list")
    assert re.search(r"desk1 +viewer .*expires 20.*connections 4  requests_per_s 20  "
                     r"commands_per_s 5  scope NSE_INDEX\|\*,NSE_FO\|\*\n", out), out
    for secret in (key[14:], other[14:]):
        assert secret not in text and secret not in out
    for args, says in ((["add"], "--role"), (["add", "--role", "root"], "none of viewer"),
                       (["add", "--role", "viewer", "--name", "a b"], "--name"),
                       (["add", "--role", "viewer", "--scope", "nse"], "scope"),
                       (["add", "--role", "viewer", "--scope", ""], "scope"),
                       (["add", "--role", "viewer", "--expires", "soon"], "--expires"),
                       (["add", "--role", "viewer", "--expires", "2020-01-01"], "has passed"),
                       (["add", "--role", "viewer", "--connections", "0"], "--connections"),
                       (["add", "--role", "viewer", "--requests", "1e3"], "--requests"),
                       (["add", "--role", "viewer", "desk"], "desk"),
                       (["list", "--role", "viewer"], "--role"), (["revoke"], "which key"),
                       (["show"], "add, list or revoke")):
        err = await t.key_command(*args, code=2)
        assert err.startswith("agnidata: ") and says in err and err.count("\n") == 1, (args, err)
    rc, out, err = await run_binary("key", "add", "--role")
    assert (rc, out) == (2, "") and "--role needs a value" in err, err
    err = await t.key_command("add", "--role", "viewer", "--name", "desk1", code=1)
    assert "desk1" in err, err
    assert "no key" in await t.key_command("revoke", "nobody", code=1)
    with open(path) as f:
        assert f.read() == text, "an error has changed the file"
    await t.key_command("revoke", "desk1")
    await t.key_command("revoke", lines[1]["id"])
    assert await t.key_command("list") == ""
    for args, word in (([], "agnidata key add"), (["add"], "--scope"), (["list"], "expiry"),
                       (["revoke"], "4003")):
        rc, out, err = await run_binary("key", *args, "--help")
        assert (rc, err) == (0, "") and word in out, (args, out, err)
    # Every change is on the record, by whom.
    rc, out, _ = await run_binary("audit", "show", os.path.join(t.folder, "var", "audit.log"))
    assert rc == 0 and out.count("key.added") == 2 and out.count("key.revoked") == 2, out
    assert "user:" in out and key[14:] not in out and other[14:] not in out


async def test_access_key_command_at_once(t):
    """Two at a time do not lose each other's key."""
    keys = await asyncio.gather(*(t.key("--role", "viewer") for _ in range(12)))
    out = await t.key_command("list")
    assert sorted(k[5:13] for k in keys) == sorted(line[:8] for line in out.splitlines())


async def test_access_other_addresses(t):
    """Beyond loopback: keys and TLS, or no start; exit code 2 and one line that says what to do."""
    want_program("openssl")
    sets = ["--set", f"server.data_dir={t.folder}/var", "--set", "redis.url=",
            "--set", "http.listen=127.0.0.1:0"]

    async def line_of(*args):
        rc, out, err = await run_binary(*sets, "--set", "stream.listen=0.0.0.0:0", *args)
        assert rc == 2 and out == "" and err.count("\n") == 1, (rc, out, err)
        return err
    err = await line_of()
    assert err.startswith("stream.listen: 0.0.0.0 is not a loopback address"), err
    assert "agnidata key add" in err and "stream.tls_cert" in err, err
    # The command that brings it in order works with that configuration.
    rc, out, err = await run_binary("key", "add", "--role", "viewer", *sets,
                                    "--set", "stream.listen=0.0.0.0:0")
    assert rc == 0 and out.startswith("agni_"), err
    err = await line_of()
    assert "key add" not in err and "stream.tls_cert" in err, err
    # With both it is in order, as far as --check looks without listening.
    p = await asyncio.create_subprocess_exec(
        "openssl", *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=x -keyout x.key -out x.pem".split(), cwd=t.folder,
        stderr=asyncio.subprocess.DEVNULL)
    assert await p.wait() == 0
    tls = ["--set", f"stream.tls_cert={t.folder}/x.pem", "--set", f"stream.tls_key={t.folder}/x.key"]
    rc, text, err = await run_binary(*sets, "--set", "stream.listen=0.0.0.0:0", *tls, "--check")
    assert (rc, err) == (0, ""), err
    # A key that has expired is none.
    await t.key_command("revoke", out[5:13])
    soon = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 5.5 * 3600 + 3 * SLOW))
    await t.key("--role", "viewer", "--expires", soon)

    async def is_expired():
        return "key add" in await line_of()
    await until(is_expired, 20, "the key expires")


async def test_access_keys_file_that_cannot_be_trusted(t):
    await t.key("--role", "viewer")
    path = os.path.join(t.folder, "var", "keys.jsonl")
    args = ["--set", f"server.data_dir={t.folder}/var", "--set", "redis.url=", "--set",
            "http.listen=127.0.0.1:0", "--set", "stream.listen=127.0.0.1:0"]

    async def line_of(*more):
        for check in ([], ["--check"]):
            rc, out, err = await run_binary(*args, *more, *check)
            assert rc == 2 and out == "" and err.count("\n") == 1, (rc, out, err)
            assert err.startswith("auth.keys_file: "), err
        return err
    os.chmod(path, 0o640)
    assert "chmod 600" in await line_of()
    os.chmod(path, 0o600)
    with open(path, "a") as f:
        f.write('{"id":"00000000"}\n')
    assert "line 2" in await line_of()
    assert "no such file" in await line_of("--set", f"auth.keys_file={t.folder}/none")


async def test_access_scope(t):
    key = await t.key("--role", "viewer", "--scope", f"NSE_INDEX|*,{TCS}")
    everything = await t.key("--role", "viewer")
    s = await t.server()

    async def listed(target):
        return {q["key"] for q in (await ask(s, target, key)).data()["quotes"]}
    await until(lambda: has_quotes(s, everything), 15, "41 quotes")
    h = (await ask(s, "/health", everything)).data()
    assert h["status"] == "UP" and "why" not in h and "modules" not in h, h
    seen = await listed("/quotes")
    assert NIFTY in seen and TCS in seen
    assert all(k == TCS or k.startswith("NSE_INDEX|") for k in seen), seen
    option = next(q["key"] for q in (await ask(s, "/quotes", everything)).data()["quotes"]
                  if q["key"].startswith("NSE_FO|9"))
    assert await listed("/quotes?keys=" + quote_key(f"{NIFTY},{option}")) == {NIFTY}
    assert (await ask(s, "/quotes/" + quote_key(NIFTY), key)).status == 200
    for outside in (option, "NSE_FO|no-such-thing"):
        r = await ask(s, "/quotes/" + quote_key(outside), key)
        assert (r.status, r.error()) == (403, "not_permitted")
    c = await t.client(s, headers={"Authorization": f"Bearer {key}"})
    got = await c.subscribe([NIFTY, option, "NSE_FO|no-such-thing", TCS])
    assert got == {NIFTY: "subscribed", option: "not_permitted", TCS: "subscribed",
                   "NSE_FO|no-such-thing": "not_permitted"}, got
    # Nor what there is, and is not, of an underlying of which it sees no contract.
    for name in ("NIFTY:current:ATM+90", "NIFTY:current:1", "NIFTY:2020-01-01:FUT", "NIFTI:current:FUT"):
        assert (await c.ask({"action": "subscribe", "instruments": [name]}))["results"] == \
            [{"instrument": name, "status": "not_permitted"}], name
    for name in ("chain:NIFTI", "chain:NIFTY:2020-01-01", "futures:NIFTI"):
        assert (await c.ask({"action": "subscribe", "channels": [name]}))["results"] == \
            [{"channel": name, "status": "not_permitted"}], name
    c.wanted -= {option}
    await c.flows(10)
    assert set(c.state) <= {NIFTY, TCS} and c.state


async def has_quotes(s, key):
    return len((await ask(s, "/quotes", key)).data()["quotes"]) == 41


async def test_access_ticket(t):
    key = await t.key("--role", "viewer", "--connections", "1", "--name", "desk")
    s = await t.server()

    async def ticket():
        r = await ask(s, "/ws-ticket", key, "POST")
        assert r.data()["expires_in_s"] == "30", r.body
        assert re.fullmatch("[0-9a-f]{64}", r.data()["ticket"])
        return "/ws?ticket=" + r.data()["ticket"]
    path = await ticket()
    c = await t.client(s, path=path)
    assert await knock(s, path) == (401, "ticket_invalid")
    assert await knock(s, await ticket()) == (429, "too_many_connections")
    await c.subscribe([NIFTY])
    await c.flows(5)
    await c.close()
    await until(lambda: is_gone(s, key), 5, "the connection is counted off")
    assert (await ask(s, "/ws-ticket", None, "POST")).error() == "key_required"
    assert (await ask(s, "/ws-ticket", key)).status == 405
    r = await ask(s, "/ws-ticket", key, "POST", body=b"{}")
    assert (r.status, r.error()) == (415, "unsupported_media_type")
    r = await ask(s, "/ws-ticket", key, "POST", ["Content-Type: application/json"], b"{}")
    assert r.status == 200
    r = await ask(s, "/ws-ticket", key, "POST", ["Origin: https://evil.example"])
    assert (r.status, r.error()) == (403, "origin_not_allowed")


async def is_gone(s, key):
    r = await ask(s, "/ws-ticket", key, "POST")
    return await knock(s, "/ws?ticket=" + r.data()["ticket"]) == (101, "")


async def test_access_limits(t):
    slow = await t.key("--role", "viewer", "--requests", "2", "--commands", "2")
    one = await t.key("--role", "viewer", "--connections", "1")
    # Rates so slow that a late machine cannot refill them.
    s = await t.server({"limits.failures_per_min": "3"})
    wrong = slow[:-1] + ("0" if slow[-1] != "0" else "1")
    got = [(await ask(s, "/quotes", wrong)) for _ in range(5)]
    assert [r.status for r in got] == [401, 401, 401, 429, 429], [r.status for r in got]
    assert got[0].headers["www-authenticate"] == "Bearer" and got[0].error() == "key_invalid"
    assert got[3].error() == "too_many_failures"
    assert 1 <= int(got[3].headers["retry-after"]) <= 20
    assert await knock(s, "/ws", wrong) == (429, "too_many_failures")
    assert (await ask(s, "/quotes", one)).status == 200, "a right key on the same address"
    got = [(await ask(s, "/quotes", slow)) for _ in range(30)]
    limited = [r for r in got if r.status == 429]
    assert limited and limited[0].error() == "rate_limited", [r.status for r in got]
    assert limited[0].headers["retry-after"] == "1"
    c = await t.client(s, headers={"Authorization": f"Bearer {one}"})
    assert await knock(s, "/ws", one) == (429, "too_many_connections")
    await c.subscribe([NIFTY])
    c = await t.client(s, headers={"Authorization": f"Bearer {slow}"})
    for _ in range(30):
        try:
            await c.send({"action": "ping"})
        except websockets.ConnectionClosed:
            break
    await until(lambda: c.closed, 5, "the flood is ended")
    assert c.closed == 4009, (c.closed, c.reason)


async def test_access_handshakes(t):
    key = await t.key("--role", "viewer")
    s = await t.server({"limits.handshakes_per_s": "1"})
    got = [(await knock(s, "/ws", key)) for _ in range(12)]
    assert got[:3] == [(101, "")] * 3 and (429, "too_many_handshakes") in got, got


async def test_access_reload(t):
    """Keys come and go under running connections; who is not meant notices nothing."""
    s = await t.server()
    await s.live()
    stranger = await t.client(s)
    await stranger.subscribe([NIFTY])
    key = await t.key("--role", "viewer", "--name", "stays")
    assert (await ask(s, "/quotes")).status == 200, "not before SIGHUP"
    await s.reload()
    await until(lambda: stranger.closed, 5, "who came in without a key is closed")
    assert stranger.closed == 4003, (stranger.closed, stranger.reason)
    assert (await ask(s, "/quotes")).error() == "key_required"
    stays = await t.client(s, headers={"Authorization": f"Bearer {key}"})
    await stays.subscribe([NIFTY])
    other = await t.key("--role", "trader", "--name", "goes")
    await s.reload()
    goes = [await t.client(s, headers={"Authorization": f"Bearer {other}"}) for _ in range(3)]
    for c in goes:
        await c.subscribe([NIFTY])
    await t.key_command("revoke", "goes")
    assert (await ask(s, "/quotes", other)).status == 200
    await s.reload()
    await until(lambda: all(c.closed for c in goes), 5, "a revoked key's connections are closed")
    assert [c.closed for c in goes] == [4003] * 3 and "revoked" in goes[0].reason
    assert (await ask(s, "/quotes", other)).error() == "key_invalid"
    # A file that cannot be read, or is gone, changes nothing.
    path = os.path.join(t.folder, "var", "keys.jsonl")
    os.chmod(path, 0o644)
    s.process.send_signal(signal.SIGHUP)
    await s.logged("reload: the keys stay as they were: auth.keys_file: .*chmod 600")
    await s.logged("reload: nothing was changed: .*auth.keys_file: .*chmod 600")
    os.unlink(path)
    before = len(s.log)
    s.process.send_signal(signal.SIGHUP)
    await s.logged("the keys stay as they were: the keys file is gone", 10, before)
    assert (await ask(s, "/quotes")).status == 401 and (await ask(s, "/quotes", key)).status == 200
    await stays.flows(5)
    assert stays.closed is None
    rc, out, err = await run_binary("audit", "show", os.path.join(t.folder, "var", "audit.log"))
    assert rc == 0, err
    for text in ("key.loaded  signal", "key.dropped  signal", "keys.refused  signal"):
        assert re.sub(" +", " ", text) in re.sub(" +", " ", out), (text, out)


async def test_access_expiry(t):
    when = time.time() + 4 * SLOW
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when + 5.5 * 3600))
    key = await t.key("--role", "viewer", "--expires", text)
    s = await t.server()
    c = await t.client(s, headers={"Authorization": f"Bearer {key}"})
    await c.subscribe([NIFTY])
    await until(lambda: c.closed, 20, "the key expires")
    assert time.time() >= int(when) and c.closed == 4003 and "expired" in c.reason, c.reason
    assert (await ask(s, "/quotes", key)).error() == "key_expired"
    assert await knock(s, "/ws", key) == (401, "key_expired")


async def test_access_over_tls(t):
    """Keys and tickets behind TLS, as on every address beyond loopback."""
    want_program("curl")
    key = await t.key("--role", "viewer")
    tls, s = await secure_server(t)
    curl = f"curl -sS --cacert ca.pem -X POST https://localhost:{s.http[1]}/ws-ticket "
    assert json.loads(await tls.shell(curl))["error"]["code"] == "key_required"
    out = await tls.shell(curl + f"-H 'Authorization: Bearer {key}'")
    path = "/ws?ticket=" + json.loads(out)["data"]["ticket"]
    by_ticket = await t.client(s, path=path, ssl=tls.context())
    by_key = await t.client(s, headers={"Authorization": f"Bearer {key}"}, ssl=tls.context())
    for c in (by_ticket, by_key):
        await c.subscribe([NIFTY])
        await c.flows(3)
    for bad in ({}, {"path": path}, {"headers": {"Authorization": "Bearer agni_x"}}):
        try:
            await t.client(s, ssl=tls.context(), **bad)
            raise AssertionError(f"comes in with {bad}")
        except websockets.InvalidHandshake as e:
            assert "401" in str(e), e


async def test_access_leaves_no_secret(t):
    """Keys and tickets, good and bad, used in every way: none is in a log, a file, a metric."""
    keys = [await t.key("--role", role) for role in ROLES[1:]]
    s = await t.server({"server.log_level": "debug"})
    tickets = []
    for key in keys:
        await ask(s, "/metrics", key)
        await ask(s, "/quotes?key=" + key)
        tickets.append((await ask(s, "/ws-ticket", key, "POST")).data()["ticket"])
        await knock(s, "/ws?ticket=" + tickets[-1])
        await knock(s, "/ws?ticket=" + tickets[-1])
        await knock(s, "/ws", key[:-1] + "x")
        await knock(s, "/ws?key=" + key)
        await ask(s, "/quotes", key + "x")
        await ask(s, "/quotes/" + key, key + "x")
    await t.client(s, headers={"Authorization": f"Bearer {keys[0]}"})
    seen = (await ask(s, "/metrics", keys[-1])).body.decode()
    seen += (await ask(s, "/health", keys[-1])).body.decode()
    await s.stop()
    seen += "\n".join(s.log)
    for folder, _, files in os.walk(os.path.join(t.folder, "var")):
        for name in files:
            with open(os.path.join(folder, name), errors="replace") as f:
                seen += f.read()
    assert "key.denied" in seen, "the audit was not looked at"
    for secret in [k[14:] for k in keys] + tickets:
        assert secret not in seen and secret[:32] not in seen
