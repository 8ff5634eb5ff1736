# SPDX-License-Identifier: MIT
"""Wrong input at the start: one clear line for each thing that is wrong, and the exit code that
says which kind it was: 0 clean, 1 could not start, 2 usage or configuration."""
import os
import re
import signal
import socket

from lib import ROOT, free_port, run_binary, until

QUIET = ["--set", "http.listen=127.0.0.1:0", "--set", "stream.listen=127.0.0.1:0",
         "--set", "redis.url="]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30 "


def write(t, text):
    path = os.path.join(t.folder, "agni.ini")
    with open(path, "w") as f:
        f.write(text)
    return path


async def refused(code, *args, cwd=None):
    """Runs into the given exit code; the lines of stderr."""
    rc, out, err = await run_binary(*args, cwd=cwd)
    assert rc == code, f"{args}: exit {rc}, not {code}: {out}{err}"
    assert out == "", f"stdout: {out}"
    return err.splitlines()


async def cannot_start(code, t, *args):
    """The one line at level ERROR."""
    lines = await refused(code, *QUIET, "--set", f"server.data_dir={t.folder}/var", *args)
    errors = [line for line in lines if re.match(TIME + "ERROR ", line)]
    assert len(errors) == 1 and errors == lines[-1:], lines
    assert "main: cannot start: " in errors[0], errors
    return errors[0].split("cannot start: ")[1]


async def test_config_help_version_and_defaults(t):
    rc, out, err = await run_binary("--help")
    assert (rc, err) == (0, "") and "--config FILE" in out and "Exit codes: 0" in out
    for word in ("version", "--version"):
        rc, out, err = await run_binary(word)
        assert (rc, err) == (0, "") and re.fullmatch(r"agnidata \d+\.\d+\.\d+\n", out), out
    rc, printed, err = await run_binary("config")
    assert (rc, err) == (0, "")
    with open(os.path.join(ROOT, "etc", "agni.ini")) as f:
        assert f.read() == printed, "etc/agni.ini is not what ./agnidata config prints"
    # What it prints is a configuration that it reads.
    rc, out, err = await run_binary("--check", "--config", write(t, printed))
    assert (rc, out, err) == (0, "the configuration is fine\n", "")


async def test_config_usage(t):
    for args, text in ((["--confg"], '"--confg" is neither an option nor a command; see --help'),
                       (["--config"], "--config needs a value"), (["--set"], "--set needs a value"),
                       (["serve"], '"serve" is neither')):
        lines = await refused(2, *args)
        assert len(lines) == 1 and lines[0].startswith("agnidata: ") and text in lines[0], lines
    lines = await refused(2, "--config", f"{t.folder}/none.ini")
    assert lines == [f"{t.folder}/none.ini: No such file or directory"], lines


async def test_config_file_with_many_errors(t):
    """Every wrong line in one run, each with file and line, and what was probably meant."""
    path = write(t, "\n".join([
        "stray = 1",                     # 1
        "[htttp]",                       # 2
        "listen = 127.0.0.1:1",          # 3: of an unknown section: nothing is said
        "[http]",                        # 4
        "listn = 127.0.0.1:1",           # 5
        "body_max_bytes = many",         # 6
        "header_timeout_ms = 1",         # 7
        "no equals sign",                # 8
        "[server]",                      # 9
        "log_level = loud",              # 10
        "drain_ms = 0",                  # 11
        "drain_ms = 1",                  # 12
        "data_dir = ${AGNI_NO_SUCH}",    # 13
        "[sim",                          # 14
        ""]))
    lines = await refused(2, "--config", path)
    found = {}
    for line in lines:
        m = re.fullmatch(re.escape(path) + r":(\d+): (.+)", line)
        assert m, f"not file:line: text: {line}"
        found[int(m[1])] = m[2]
    assert sorted(found) == [1, 2, 5, 6, 7, 8, 10, 12, 13, 14] and len(lines) == 10, lines
    assert "did you mean [http]?" in found[2] and 'did you mean "listen"?' in found[5]
    assert "100..600000" in found[7] and "debug|info|warn|error" in found[10], found
    assert "line 11" in found[12] and "AGNI_NO_SUCH" in found[13]
    # --check says the same.
    assert await refused(2, "--check", "--config", path) == lines


async def test_config_set(t):
    for value, text in (("http.listne=1", 'unknown key "listne" in [http]; did you mean "listen"?'),
                        ("htp.listen=1", "did you mean [http]?"), ("foo", "section.key=value"),
                        ("sim.speed=fast", "sim.speed"), ("sim.fault=dorp", 'did you mean "drop"?'),
                        ("server.stop_ms=-1", "100..60000"), ("stream.deflate=maybe", "neither"),
                        ("sim.source=tape", "sim.tape is needed"),
                        ("upstream.backoff_min_ms=60000", "backoff_max_ms")):
        lines = await refused(2, "--check", "--set", value)
        assert len(lines) == 1 and text in lines[0], f"{value}: {lines}"
    lines = await refused(2, "--set", "a.b=1", "--set", "http.x=1", "--check")
    assert len(lines) == 2, lines
    rc, out, _ = await run_binary("--check", "--set", "sim.speed=max", "--set",
                                  "http.listen=[::1]:0")
    assert rc == 0 and out == "the configuration is fine\n"


async def test_config_occupied_port(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        for key in ("http.listen", "stream.listen", "sim.listen"):
            text = await cannot_start(1, t, "--set", f"{key}=127.0.0.1:{port}")
            assert f"127.0.0.1:{port}" in text and "address already in use" in text, text


async def test_config_address_that_is_not_loopback(t):
    for key in ("http.listen", "stream.listen"):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:8000"):
            for check in ([], ["--check"]):
                lines = await refused(2, *QUIET, "--set", f"{key}={address}", *check)
                assert len(lines) == 1 and lines[0].startswith(key + ": "), lines
                assert "is not a loopback address" in lines[0] and "TLS" in lines[0], lines


async def test_config_folder_that_cannot_be(t):
    file = write(t, "")
    lines = await refused(1, *QUIET, "--set", f"server.data_dir={file}/below")
    assert len(lines) == 1 and "server.data_dir" in lines[0], lines
    assert "not a directory" in lines[0], lines
    lines = await refused(1, *QUIET, "--set", f"server.data_dir={file}")
    assert len(lines) == 1 and f"{file} is not a folder" in lines[0], lines


async def test_config_tape_that_is_none(t):
    text = await cannot_start(1, t, "--set", "sim.source=tape", "--set", "sim.tape=/no/such.pbs")
    assert text == "sim: tape /no/such.pbs cannot be opened" or "no such file" in text, text
    tape = write(t, "x")
    text = await cannot_start(1, t, "--set", "sim.source=tape", "--set", f"sim.tape={tape}")
    assert "sim: tape " in text, text


async def test_config_urls(t):
    """What can never work is said before anything starts, by --check too, in one line."""
    for text in ("redis.url=http://127.0.0.1", "redis.url=rediss://127.0.0.1",
                 "redis.url=redis://127.0.0.1/x", "upstream.api_url=http://api.upstox.com",
                 "token.source_url=ftp://127.0.0.1/", "http.listen=localhost:0"):
        for args in ([], ["--check"]):
            lines = await refused(2, *args, *QUIET, "--set", text)
            assert len(lines) == 1 and lines[0].startswith(text.split("=")[0]), lines


async def test_config_broker_that_is_not_there(t):
    """It starts, says what is wrong, serves what it can, and keeps trying."""
    port = free_port()
    s = await t.server({"upstream.mode": "upstox", "upstream.api_url": f"http://127.0.0.1:{port}",
                        "token.access_token": "abc", "token.retry_ms": "50"})
    await until(lambda: sum("cannot prove the token" in line for line in s.log) >= 3, 10,
                "three attempts")
    h = await s.health()
    assert h["status"] == "DEGRADED" and h["source"] == "upstox" and not h["has_token"], h
    assert h["why"].startswith("token: ") and "connection refused" in h["why"], h["why"]
    assert h["upstream"] == "waiting_token", h
    assert (await s.get("/quotes")).data()["quotes"] == []
    assert (await s.get("/quotes/NSE_INDEX%7CNifty%2050")).status == 404
    assert "abc" not in re.sub("access_token=abc", "", "\n".join(s.log))


async def test_config_no_state_is_503(t):
    """/health is 200 while the start-up grace lasts, and 503 when there is nothing to serve."""
    s = await t.server({"upstream.mode": "upstox", "upstream.api_url": "http://127.0.0.1:1",
                        "http.grace_s": "5"})
    r = await s.get("/health")
    assert r.status == 200, r.body

    async def is_down():
        return (await s.get("/health")).status == 503
    await until(is_down, 5, "503 after the grace")
    h = await s.health()
    assert h["status"] == "DOWN" and "no instrument has ticked" in h["why"], h
    assert h["has_token"] is False and "token" in h["modules"]["token"]["why"]


async def test_config_reload(t):
    """SIGHUP applies what can change and names what cannot; a broken file changes nothing."""
    path = write(t, "[server]\nlog_level = info\n")
    s = await t.server({}, args=["--config", path])
    await s.live()

    async def reload(text, pattern):
        before = len(s.log)
        write(t, text)
        s.process.send_signal(signal.SIGHUP)
        return await s.logged(pattern, 5, before)

    assert not s.find(" DEBUG ")
    m = await reload("[server]\nlog_level = debug\n[sim]\nseed = 7\n",
                     r"reload: changed: (.*); needs a restart: (.*)$")
    assert "log_level" in m[1] and "seed" in m[2] and "seed" not in m[1], m[0]
    c = await t.client(s)
    await c.close()
    await s.logged(" DEBUG stream: client .* is gone")
    await reload("[server]\nlog_level = loud\n", r"reload: nothing was changed: .*:2: ")
    # Its own line would be INFO: the level is in force at once.
    write(t, "[server]\nlog_level = warn\nlog_format = json\n")
    s.process.send_signal(signal.SIGHUP)
    lines = len(s.log)
    await until(lambda: drop_is_logged(s, lines), 5, "a warning in JSON")
    assert not s.find(" INFO |\"info\"", len(s.log) - 1)
    write(t, "[server]\nlog_level = info\n")
    s.process.send_signal(signal.SIGHUP)
    await s.logged(" INFO  main: reload: changed", 5, lines)


async def drop_is_logged(s, after):
    await s.fault("drop")
    return s.find('"level":"warn","tag":"feed"', after)
