# SPDX-License-Identifier: MIT
"""The audit log of a real server, and `agnidata audit` beside and after it."""
import asyncio
import hashlib
import json
import os
import re
import signal

from lib import Skip, http, loads, run_binary, until, want_program

# A server whose token nobody brings: what it records is what the test makes it do.
QUIET = {"upstream.mode": "upstox", "upstream.api_url": "http://127.0.0.1:1"}


def log_path(t):
    return os.path.join(t.folder, "var", "audit.log")


def records(t):
    with open(log_path(t), "rb") as f:
        return f.read().splitlines()


async def audit(*args, code=0):
    rc, out, err = await run_binary("audit", *args)
    assert rc == code, f"{args}: exit {rc}: {out}{err}"
    return out, err


async def reload(s, pattern):
    before = len(s.log)
    s.process.send_signal(signal.SIGHUP)
    await s.logged(pattern, 10, before)


async def test_audit_of_a_server(t):
    """Start, reload, stop, again: one chain, which an independent reader agrees with."""
    s = await t.server(QUIET)
    await reload(s, "reload: changed")
    out, err = await audit("verify", log_path(t))  # beside the server
    assert "2 records in 1 file" in out and err == "", out + err
    health = await s.health()
    assert health["modules"]["audit"]["status"] == "UP", health
    assert (await s.metrics())["agnidata_audit_records_total"] == 2
    await s.stop()
    s = await t.server(QUIET)
    await s.stop()
    acts, prev = [], "0" * 64
    for n, line in enumerate(records(t), 1):
        r = json.loads(line)
        assert r["seq"] == n and r["prev"] == prev, r
        assert hashlib.sha256(line.split(b',"hash":')[0]).hexdigest() == r["hash"], r
        prev = r["hash"]
        acts.append((r["act"], r["who"]))
    assert acts == [("server.started", "server"), ("config.reloaded", "signal"),
                    ("server.stopped", "server"), ("server.started", "server"),
                    ("server.stopped", "server")], acts
    out, _ = await audit("verify", "--set", f"server.data_dir={t.folder}/var")
    assert f"the last is 5:{prev}" in out, out
    out, _ = await audit("verify", "--expect", f"5:{prev}", log_path(t))
    out, _ = await audit("show", "--last", "2", log_path(t))
    assert re.fullmatch(r"4  20\S+\+05:30  server.started  server\n"
                        r"5  20\S+\+05:30  server.stopped  server\n", out), out


async def test_audit_of_tokens(t):
    """What happens to the token is on the record, with who did it, and never the token."""
    s = await t.server({"token.retry_ms": "50"})
    await s.live()
    token = loads((await http(s.sim, "/accounts/agnidata001/token")).body)["access_token"]
    r = await s.get("/token/update", method="POST", headers=["Content-Type: application/json"],
                    body=json.dumps({"access_token": token}).encode())
    assert r.status == 200, r.body
    await s.fault("unauthorized")
    await s.get("/token/validate")  # or the feed met the 401 first

    async def has_failed():
        return (await s.get("/token/status")).data()["state"] == "FAILED"
    await until(has_failed, 10, "the token is beyond repair")
    await s.stop()
    acts = [json.loads(line) for line in records(t)]
    story = [(r["act"], r["who"]) for r in acts if r["act"].startswith("token.")]
    assert story == [("token.fetched", "server"), ("token.placed", "server"),
                     ("token.placed", "loopback"), ("token.refused", "server"),
                     ("token.failed", "server")], story
    placed = [r for r in acts if r["act"] == "token.placed"][1]
    assert placed["peer"] == "127.0.0.1" and "generation 2" in placed["detail"], placed
    assert not any(token.encode() in line for line in records(t))


async def test_audit_names_the_fault(t):
    s = await t.server(QUIET)
    await s.stop()
    good = b"\n".join(records(t)) + b"\n"
    lines = good.splitlines(keepends=True)
    for bad, line, record, why in (
            (good.replace(b"stopped", b"started"), 2, 2, "altered"),
            (lines[1], 1, 1, "removed: record 2 stands here"),
            (lines[1] + lines[0], 1, 1, f"reordered: it stands at {log_path(t)}:2"),
            (lines[0], 2, 2, "removed"), (good[:-1], 2, 2, "altered: the line has no end")):
        with open(log_path(t), "wb") as f:
            f.write(bad)
        for command in ("verify", "show"):
            _, err = await audit(command, log_path(t), code=1)
            assert err.startswith(f"{log_path(t)}:{line}: record {record}: {why}"), err


async def test_audit_after_a_crash(t):
    """kill -9, and half a record at the end: cut off, and both are to be seen."""
    s = await t.server(QUIET)
    s.process.kill()
    await until(lambda: s.process.returncode is not None, 10, "the end")
    s.is_checked = True
    with open(log_path(t), "ab") as f:
        f.write(b'{"seq":2,"time":"20')
    s = await t.server(QUIET)
    await s.stop()
    await audit("verify", log_path(t))
    out, _ = await audit("show", log_path(t))
    acts = [line.split("  ")[2] for line in out.splitlines()]
    assert acts == ["server.started", "audit.torn", "server.started", "server.stopped"], out
    assert '19 bytes of an incomplete record were cut off: {"seq":2,"time":"20' in out, out


async def test_audit_full_disk(t):
    """No file may grow beyond 4 KiB: acts of a person are refused and not done, those of the server
    wait, /health says so; when there is room again everything is recorded, in order."""
    want_program("prlimit")
    s = await t.server(wrap=["prlimit", "--fsize=4096:unlimited"])
    await s.live()
    status = (await s.get("/token/status")).data()

    async def update():
        return await http(s.http, "/token/update", "POST", body=b'{"access_token":"of-a-person"}',
                          headers=["Content-Type: application/json"])
    for _ in range(40):
        if s.find("audit.log: cannot be written: file too large"):
            break
        s.process.send_signal(signal.SIGHUP)
        before = len(s.log)
        await s.logged("reload: changed", 10, before)
    r = await update()
    assert (r.status, r.error()) == (503, "audit_unavailable"), (r.status, r.body)
    assert (await s.get("/token/status")).data()["generation"] == status["generation"]
    s.process.send_signal(signal.SIGHUP)
    await until(lambda: queued(s), 10, "an act that waits")
    health = await s.health()
    assert health["status"] == "DEGRADED" and "file too large" in health["why"], health
    assert (await s.metrics())["agnidata_audit_refused_total"] >= 1
    if (await run("prlimit", f"--pid={s.process.pid}", "--fsize=unlimited")) != 0:
        raise Skip("prlimit may not change a limit here")
    await until(lambda: is_up(s), 10, "/health is well again")
    assert await queued(s) == 0
    r = await update()
    assert r.status != 503, (r.status, r.body)
    await s.stop()
    await audit("verify", log_path(t))
    text = "\n".join(line.decode() for line in records(t))
    assert "of-a-person" not in text
    assert text.count('"act":"admin.call"') == 1, text  # the refused ones left nothing


async def queued(s):
    return (await s.metrics())["agnidata_audit_queued"]


async def is_up(s):
    return (await s.health())["modules"]["audit"]["status"] == "UP"


async def run(*command):
    p = await asyncio.create_subprocess_exec(*command)
    return await asyncio.wait_for(p.wait(), 10)


async def test_audit_file_that_cannot_be(t):
    """A wrong path is said in one line, and keeps the server from starting."""
    for path, why in ((t.folder, "directory"), ("/nonexistent/audit.log", "no such file")):
        rc, out, err = await run_binary(
            "--set", "http.listen=127.0.0.1:0", "--set", "stream.listen=127.0.0.1:0", "--set",
            "redis.url=", "--set", f"server.data_dir={t.folder}/var", "--set",
            f"audit.file={path}")
        errors = [line for line in err.splitlines() if "ERROR" in line]
        assert rc == 1 and out == "" and len(errors) == 1, err
        assert "cannot start: audit: " in errors[0] and path in errors[0], errors
        assert why in errors[0], errors


async def test_audit_usage(t):
    out, err = await audit("--help")
    assert "agnidata audit verify" in out and "--archived" in out and err == ""
    for args, why in (([], "verify or show?"), (["verfy"], "verify or show?"),
                      (["verify", "--last", "3"], '"--last" is not understood'),
                      (["show", "--last", "0"], '"--last" is not understood'),
                      (["verify", "a", "b"], '"b" is not understood'),
                      (["verify", "--expect"], '"--expect" is not understood')):
        _, err = await audit(*args, code=2)
        assert err.startswith("agnidata: ") and why in err, err
    _, err = await audit("verify", "--set", "audit.fil=x", code=2)
    assert 'did you mean "file"?' in err, err
    _, err = await audit("verify", "/nonexistent/audit.log", code=1)
    assert err == "agnidata: /nonexistent/audit.log: no such file or directory\n", err
