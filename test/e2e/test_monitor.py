# SPDX-License-Identifier: MIT
"""agnidata monitor: what it prints is what the server says, on a terminal it behaves, and whatever
lies in Redis does no harm."""
import asyncio
import contextlib
import json
import os
import re
import signal
import termios

from lib import BINARY, Skip, free_port, loads, run_binary, until
from terminal import Terminal, mode_of

PREFIX = "agni-sim:"
WRITES = {"set", "del", "sadd", "srem", "publish", "xadd", "expire", "pexpire", "flushall"}
ALLOWED = {"ping", "select", "client|setname", "time", "info", "pttl", "strlen", "mget", "sscan",
           "scan", "xrevrange", "auth", "hello", "command"}


async def monitor_json(redis, *args, code=0, parse=json.loads):
    rc, out, err = await run_binary("monitor", "--once", "--json", "--redis", redis.url, *args)
    assert rc == code, f"exit {rc}: {err}"
    assert out.isascii() and out.count("\n") == 1 and out.endswith("\n")
    return parse(out)


async def still(s):
    """The market stands still, and Redis holds what /quotes says."""
    await s.fault("stall", 60000)

    async def is_quiet():
        before = (await s.metrics())["agnidata_feed_ticks_total"]
        await asyncio.sleep(0.1)
        m = await s.metrics()
        return m["agnidata_feed_ticks_total"] == before and m["agnidata_store_dirty"] == 0
    await until(is_quiet, 5, "the market stands still")


async def commands(redis):
    """How often each command was called."""
    text = (await redis.cmd("INFO", "commandstats")).decode()
    return {m[1]: int(m[2]) for m in re.finditer(r"cmdstat_(\S+?):calls=(\d+)", text)}


@contextlib.asynccontextmanager
async def terminal(redis, *args, **kw):
    t = Terminal(BINARY, "monitor", "--redis", redis.url, "--every", "0.2", *args, **kw)
    await t.start()
    try:
        yield t
    finally:
        await t.kill()


def quote(key, **members):
    return json.dumps({"key": key, "seq": 1, "ts_ms": 1, "recv_ms": 1, **members})


async def put(redis, key, text, prefix=PREFIX):
    await redis.cmds(("SET", f"{prefix}quote:{{{key}}}", text),
                     ("SADD", f"{prefix}index:quotes", key))


async def test_monitor_once_is_what_quotes_says(t):
    """Every member of every quote, digit by digit, by way of Redis."""
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url})
    await s.live()
    await still(s)
    listed, d = await s.quotes(), await monitor_json(redis, parse=loads)
    assert d["prefix"] == PREFIX and d["redis"] == f"127.0.0.1:{redis.port}"
    shown = {row["id"]: row for row in d["quotes"]}
    assert set(shown) == set(listed) and len(listed) > 30
    for key, q in listed.items():
        row = shown[key]
        del q["age_ms"], q["stale"]
        assert row["data"] == q, f"{key}: {row['data']}, not {q}"
        assert 0 < int(row["ttl_ms"]) <= 30000 and 0 <= int(row["age_ms"]) < 60000
    assert int(d["memory"]["used"]) > 100000
    rc, out, err = await run_binary("monitor", "--once", "--redis", redis.url)
    assert rc == 0 and "\x1b" not in out, err
    for key, q in listed.items():
        line = next(li for li in out.splitlines() if key + " " in li)
        assert f"{float(q['ltp']):.2f}" in line.split(), line


async def test_monitor_asks_and_never_writes(t):
    """No KEYS, nothing written, and no more than is needed."""
    redis = await t.redis()
    for i in range(3):
        await put(redis, f"NSE_FO|{i}", quote(f"NSE_FO|{i}", ltp=i + 0.5))
    await redis.cmd("SADD", f"{PREFIX}index:quotes", *(f"NSE_FO|{i}" for i in range(1500)))
    await redis.cmd("CONFIG", "RESETSTAT")
    d = await monitor_json(redis)
    assert len(d["quotes"]) == 1500
    assert [r["data"]["ltp"] for r in d["quotes"] if r["data"]] == [0.5, 1.5, 2.5]
    async with terminal(redis) as term:
        await term.shows(r"quotes 1500", r"no fresh quote")
        drawn = term.screen.drawn
        await until(lambda: term.screen.drawn > drawn + 5, 10, "it goes on")
        term.send("q")
        await term.ended(0)
    calls = await commands(redis)
    assert "keys" not in calls and not WRITES & set(calls), calls
    assert set(calls) - {"config|resetstat"} <= ALLOWED, calls
    # The three that live are in two of the eight batches of a round.
    assert calls["mget"] <= 2 * calls["time"], "dead keys are read"


async def test_monitor_draws_and_reacts(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url})
    await s.live()
    n = len(await s.quotes())
    async with terminal(redis) as term:
        await term.shows(r"^agnidata monitor +agni-sim: +redis 127\.0\.0\.1:\d+ +connected +"
                         r"\d\d:\d\d:\d\d IST", rf"\[1 quotes {n}\]", r"INSTRUMENT",
                         rf"1-17 of {n}")
        assert all(len(line) <= 80 for line in term.screen.lines())
        # Prices move: something is green or red, and what has not moved is dim.
        await until(lambda: any({"32"} & term.screen.styles(y) for y in range(5, 22)), 20, "green")
        await until(lambda: any({"31"} & term.screen.styles(y) for y in range(5, 22)), 20, "red")
        await until(lambda: any({"2"} & term.screen.styles(y) for y in range(5, 22)), 20, "dim")
        term.send("/nifty b")
        await term.shows(r"filter: nifty b_", r"NSE_INDEX\|Nifty Bank")
        await term.lacks(r"NSE_FO")
        term.send("\r")
        await term.shows(r"1-1 of 1  filter \"nifty b\"")
        term.send("\x1b")
        await term.shows(rf"1-17 of {n}")
        term.send("\x1b[B\x1b[B")
        await term.shows(rf"3-19 of {n}")
        term.send("\x1b[6~")
        await term.shows(rf"19-35 of {n}")
        term.send("\x1b[6")  # a key cut in two
        term.send("~")
        await term.shows(rf"{n - 16}-{n} of {n}")
        term.send("\x1b[H")
        await term.shows(rf"1-17 of {n}")
        term.send("s")
        await term.shows(r"by change")
        term.send("\t")
        await term.shows(r"\[2 chain")
        term.send("\x1b[D\x1b[D")
        await term.shows(r"\[6 server")
        term.send("1q")
        await term.ended(0)


async def test_monitor_shows_clients_and_the_server(t):
    """What /clients and /health say, by way of Redis; and that the server has gone."""
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url})
    await s.live()
    c = await t.client(s)
    await c.subscribe(list(await s.quotes())[:7])
    listed = loads((await s.get("/clients")).body)["data"]["clients"]

    async def there():
        d = await monitor_json(redis, parse=loads)
        health = await s.health()  # the status is up to two seconds old
        return d["status"] and d["status"]["status"] == health["status"] == "UP" and (
            d["clients"] and d["clients"][0]["data"]["subscriptions"] == "7") and d
    d = await until(there, 15, "the client and the status are in Redis")
    row = d["clients"][0]
    assert row["id"] == listed[0]["id"] and set(row["data"]) == set(listed[0])
    assert int(d["status"]["rss_bytes"]) > 1 << 20
    async with terminal(redis) as term:
        await term.shows(r"server \d+\.\d+\.\d+ UP  upstream live  token READY  "
                         r"market \d{4}-\d\d-\d\d \d\d:\d\d:\d\d open",
                         r"memory: redis \S+  server \d\S+  ticks \d+  clients 1", r"clients 1 ")
        term.send("4")
        await term.shows(r"\[4 clients 1\]", row["id"] + r" .* 7 +0 ")
        term.send("6")
        await term.shows(r"status +UP")
        term.send("/s")  # thins the list out, and a page further
        await term.shows(r"filter: s_")
        term.send("tate\r")
        await term.shows(r"upstream\.state +live", r"token\.state +READY", r'filter "state"')
        term.send("\x1b")
        await term.lacks("filter \"state")
        term.send("/rss\r")
        await term.shows(r"rss_bytes +\d{7}", r"1-1 of 1 ")
        await c.close()
        await term.shows(r"4 clients 0", limit=20)
        await s.stop()
        await term.shows(r"server: GONE")
        term.send("q")
        await term.ended(0)
    s = await t.server({"redis.url": redis.url})
    await s.live()
    async with terminal(redis) as term:
        await term.shows(r"UP  upstream live")
        s.process.send_signal(signal.SIGSTOP)
        await term.shows(r"server: SILENT for \d+\.\ds; what it said last: UP", limit=20)
        s.process.send_signal(signal.SIGCONT)
        await term.shows(r"\nserver \S+ UP", limit=20)
        term.send("q")
        await term.ended(0)


def without_ages(doc):
    """What a market that stands still does not change."""
    if isinstance(doc, dict):
        return {k: without_ages(v) for k, v in doc.items() if k not in ("age_ms", "stale", "days", "ts_ms")}
    return [without_ages(v) for v in doc] if isinstance(doc, list) else doc


async def agrees(s, redis, view, member, target):
    """The document in Redis and the answer over REST are one."""
    await still(s)

    async def is_equal():
        d = await monitor_json(redis, view, parse=loads)
        rest = (await s.get(target)).data()
        assert set(d) == {"redis", "prefix", "time_ms", member}
        return d[member] and d[member][0]["data"] and (
            without_ages(d[member][0]["data"]) == without_ages(rest))
    await until(is_equal, 15, f"{member} in Redis and {target} are one")


async def test_monitor_chain_is_what_rest_says(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "options.chains": "NIFTY"})
    await s.live()
    async with terminal(redis, "--options") as term:
        await term.shows(r"\[2 chain 1\]", r"NIFTY@\d+-\d+-\d+ +ttl \d+s +spot \d", r"max pain \d",
                         r"PCR oi \d", r" A +\d{5} A ")
        term.send("1/25800ce\r")  # an instrument is found by what the chain calls it
        await term.shows(r"NSE_FO\|\d+ NIFTY 25800CE \d\d-\d\d", "1-1 of 1 ")
        await agrees(s, redis, "--options", "chains", "/chain/NIFTY")
        term.send("q")
        await term.ended(0)


async def test_monitor_futures_are_what_rest_says(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "futures.underlyings": "NIFTY"})
    await s.live()
    async with terminal(redis, "--futures") as term:
        await term.shows(r"\[3 futures 1\]", r"NIFTY +ttl \d+s +spot \d", r"near to next [+-]\d",
                         r"near 20\d\d-\d\d-\d\d +\d{5}\.\d\d ", r"far  20")
        await agrees(s, redis, "--futures", "futures", "/futures/NIFTY")
        term.send("q")
        await term.ended(0)


async def test_monitor_signals_as_they_come(t):
    """What /signals lists is what the monitor shows, the newest on top and below."""
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "signals.apps": "simple,options,futures",
                        "sim.speed": "20"})
    await s.live()
    async with terminal(redis, "--signals", cols=130) as term:
        await term.shows(r"\d\d:\d\d:\d\d (BUY|SELL) +\S+\|", r"signal \d\d:\d\d:\d\d (BUY|SELL)",
                         limit=60)
        await still(s)
        listed = loads((await s.get("/signals")).body)["data"]["signals"]
        listed.sort(key=lambda g: -int(g["id"]))

        async def is_equal():
            d = await monitor_json(redis, "--signals", parse=loads)
            n = min(len(listed), len(d["signals"]))
            return n and [g["data"] for g in d["signals"]][:n] == listed[:n]
        await until(is_equal, 15, "/signals and the stream are one")
        top = listed[0]
        await term.shows(rf"signal \S+ {top['side']} {re.escape(top['key'])} at")
        term.send("q")
        await term.ended(0)


async def test_monitor_follows_the_size(t):
    redis = await t.redis()
    for i in range(60):
        await put(redis, f"NSE_FO|{i:02}", quote(f"NSE_FO|{i:02}", ltp=100 + i))
    async with terminal(redis) as term:
        await term.shows(r"1-17 of 60")
        term.resize(132, 50)
        await term.shows(r"1-43 of 60", r"BID +ASK")
        assert max(len(line) for line in term.screen.lines()) > 100
        term.resize(40, 12)
        await term.shows(r"1-5 of 60")
        term.resize(30, 5)
        await term.shows(r"too small")
        term.resize(80, 24)
        await term.shows(r"1-17 of 60")
        assert len([line for line in term.screen.lines() if line]) == 24
        term.send("\x03")
        await term.ended(0)


async def test_monitor_gives_the_terminal_back(t):
    """On every way out: keys, signals, a crash; and while it is suspended."""
    redis = await t.redis()
    await put(redis, "NSE_EQ|A", quote("NSE_EQ|A", ltp=1))
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 0),
                         (signal.SIGQUIT, 0), (signal.SIGABRT, -signal.SIGABRT),
                         (signal.SIGSEGV, -signal.SIGSEGV)):
        async with terminal(redis) as term:
            await term.shows(r"NSE_EQ\|A")
            assert term.screen.modes == {"?1049"}
            term.signal(number)
            await term.ended(code)
    async with terminal(redis) as term:
        await term.shows(r"NSE_EQ\|A")
        term.send("q")
        await term.ended(0)


async def test_monitor_is_suspended_and_continued(t):
    """Whoever had the terminal in between, it is taken anew: keys, and no echo."""
    redis = await t.redis()
    await put(redis, "NSE_EQ|A", quote("NSE_EQ|A", ltp=1))
    async with terminal(redis) as term:
        await term.shows(r"NSE_EQ\|A")
        ours = mode_of(term.slave)
        assert ours != term.before
        term.signal(signal.SIGSTOP)
        attributes = termios.tcgetattr(term.slave)
        attributes[:4] = term.before
        termios.tcsetattr(term.slave, termios.TCSANOW, attributes)
        term.screen.feed("\x1b[?1049l\x1b[2J")
        term.signal(signal.SIGCONT)
        await until(lambda: mode_of(term.slave) == ours, 10, "the mode is its own again")
        await term.shows(r"NSE_EQ\|A")
        assert "?1049" in term.screen.modes
        entered = term.raw.count(b"\x1b[?1049h")
        term.send("\x1a")  # the shell is not there to stop us for: it leaves, and comes back
        await until(lambda: term.raw.count(b"\x1b[?1049h") > entered, 10, "it comes back")
        await term.shows(r"NSE_EQ\|A")
        term.send("q")
        await term.ended(0)


async def test_monitor_ends_with_its_terminal(t):
    redis = await t.redis()
    await put(redis, "NSE_EQ|A", quote("NSE_EQ|A", ltp=1))
    async with terminal(redis) as term:
        await term.shows(r"NSE_EQ\|A")
        term.close()  # the window is closed
        await until(lambda: term.process.returncode is not None, 10, "it ends")
        assert term.process.returncode == 0, term.process.returncode


async def test_monitor_does_not_wait_for_the_terminal(t):
    """Nobody reads what it writes: it still hears SIGTERM."""
    redis = await t.redis()
    for i in range(60):
        await put(redis, f"NSE_FO|{i:02}", quote(f"NSE_FO|{i:02}", ltp=100 + i))
    async with terminal(redis, cols=200, rows=60) as term:
        await term.shows(r"of 60")
        term.hold()
        before = (await commands(redis)).get("time", 0)

        async def goes_on():
            return (await commands(redis)).get("time", 0) > before + 10
        await until(goes_on, 20, "it goes on looking")
        term.signal(signal.SIGTERM)
        await until(lambda: term.process.returncode is not None, 10, "it ends")
        assert term.process.returncode == 0


async def test_monitor_redis_away_and_back(t):
    redis = await t.redis()
    async with terminal(redis) as term:
        await put(redis, "NSE_EQ|A", quote("NSE_EQ|A", ltp=1234.5))
        await term.shows(r"NSE_EQ\|A +1234\.50", "connected")
        await redis.kill()
        await term.shows(r"AWAY for \d", r"NSE_EQ\|A +1234\.50", "refused|closed")
        y = next(y for y, line in enumerate(term.screen.lines()) if "1234.50" in line)
        await until(lambda: term.screen.styles(y) <= {"2", "33"}, 5, "old values are dim")
        term.send("/a")  # keys are heard meanwhile
        await term.shows("filter: a_")
        await redis.start()
        await term.shows("connected")
        await term.lacks("1234")
        await put(redis, "NSE_EQ|A", quote("NSE_EQ|A", ltp=77))
        await term.shows(r"NSE_EQ\|A +77\.00")
        redis.pause()
        await term.shows(r"AWAY for \d", "does not answer|no answer")
        redis.resume()
        await term.shows("connected")
        term.send("\x1bq")
        term.signal(signal.SIGTERM)
        await term.ended(0)


async def test_monitor_garbage_does_no_harm(t):
    """Wrong types, broken JSON, a megabyte, control characters: each is told for what it is, and the
    terminal understands all that comes (terminal.py fails at anything else)."""
    redis = await t.redis()
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    name = "NSE_EQ|" + evil
    await put(redis, "NSE_EQ|good", quote("NSE_EQ|good", ltp=42.05, change_pct=1.5))
    await put(redis, "NSE_EQ|text", "{\"ltp\": 12")
    await put(redis, "NSE_EQ|number", "17")
    await put(redis, "NSE_EQ|odd", "{\"ltp\":\"12\",\"depth\":{\"a\":1},\"oi\":[],\"seq\":1e300}")
    await put(redis, "NSE_EQ|large", "x" * (1 << 20))
    await put(redis, "NSE_EQ|nan", "{\"ltp\":1e999,\"oi\":-1e300}")
    await put(redis, "NSE_EQ|deep", "[" * 60000)
    await put(redis, name, quote(name, ltp=1, suspect=[evil]))
    await redis.cmds(("SADD", f"{PREFIX}index:quotes", "NSE_EQ|list", "NSE_EQ|none", "x" * 5000),
                     ("RPUSH", f"{PREFIX}quote:{{NSE_EQ|list}}", "1"),
                     ("SET", f"{PREFIX}index:chains", "no set"),
                     ("SADD", f"{PREFIX}index:clients", evil),
                     ("SET", f"{PREFIX}client:{{{evil}}}", json.dumps({"key": evil})),
                     ("SET", f"{PREFIX}status", json.dumps({"status": evil, evil: [evil]})),
                     ("XADD", f"{PREFIX}signals", "*", "data", json.dumps({"side": evil})),
                     ("XADD", f"{PREFIX}signals", "*", "what", "else"))
    d = await monitor_json(redis)
    rows = {r["id"]: r for r in d["quotes"]}
    assert rows["NSE_EQ|good"]["data"]["ltp"] == 42.05
    assert rows[name]["data"]["suspect"] == [evil]
    for key in ("text", "number", "large", "deep", "list"):
        row = rows["NSE_EQ|" + key]
        assert row["data"] is None and row["problem"], row
    assert rows["NSE_EQ|none"]["data"] is None and "x" * 5000 not in rows
    assert "index:chains" in d["problem"]
    assert [s["data"] for s in d["signals"]] == [None, {"side": evil}]
    async with terminal(redis, cols=130, rows=30) as term:
        await term.shows(r"NSE_EQ\|good +42\.05 +\+1\.50", r"NSE_EQ\|text +cannot be read",
                         r"NSE_EQ\|list +cannot be read: STRLEN: WRONGTYPE",
                         r"NSE_EQ\|large +cannot be read: 1048576 bytes",
                         r"NSE_EQ\|none +no fresh quote", r"NSE_EQ\|\?\]0;owned\?\?\[2J",
                         r"Redis: index:chains: WRONGTYPE")
        for view in "23456":
            term.send(view)
            await term.shows(rf"\[{view} ")
        term.send("q")
        await term.ended(0)


async def test_monitor_without_an_index(t):
    """Somebody has taken the index away: names come from SCAN, among a thousand other keys."""
    redis = await t.redis()
    for i in range(20):
        await redis.cmd("SET", f"{PREFIX}quote:{{NSE_FO|{i:02}}}", quote("k", ltp=i))
    await redis.cmds(*(("SET", f"other:{i}", "x") for i in range(5000)),
                     ("SET", "agni-simX", "x"), ("SET", f"{PREFIX}token:{{a}}", "sealed"))
    d = await monitor_json(redis)
    assert [r["id"] for r in d["quotes"]] == [f"NSE_FO|{i:02}" for i in range(20)]
    assert "sealed" not in json.dumps(d)
    async with terminal(redis) as term:
        await term.shows(r"quotes 20", r"NSE_FO\|00")
        term.send("q")
        await term.ended(0)
    calls = await commands(redis)
    assert "keys" not in calls and calls["scan"] >= 5


async def test_monitor_scan_takes_many_rounds(t):
    """More keys than one look goes through: --once waits for the whole pass, a screen fills up."""
    redis = await t.redis()
    for i in range(0, 40000, 4000):
        await redis.cmds(*(("SET", f"other:{j}", "x") for j in range(i, i + 4000)))
    for i in range(20):
        await redis.cmd("SET", f"{PREFIX}quote:{{NSE_FO|{i:02}}}", quote("k", ltp=i))
    d = await monitor_json(redis)
    assert [r["id"] for r in d["quotes"]] == [f"NSE_FO|{i:02}" for i in range(20)]
    async with terminal(redis) as term:
        await term.shows(r"quotes 20")
        await redis.cmd("DEL", f"{PREFIX}quote:{{NSE_FO|03}}")
        await term.shows(r"NSE_FO\|03 .* gone")
        await term.shows(r"quotes 19", limit=20)
        term.send("q")
        await term.ended(0)


async def test_monitor_an_answer_too_long(t):
    """A stream of megabytes: it is left out, and the rest is shown."""
    redis = await t.redis()
    await put(redis, "A|B", quote("A|B", ltp=5))
    for _ in range(40):
        await redis.cmd("XADD", f"{PREFIX}signals", "*", "data", "x" * (1 << 20))
    d = await monitor_json(redis)
    assert d["quotes"][0]["data"]["ltp"] == 5 and "too long" in d["problem"] and not d["signals"]
    async with terminal(redis) as term:
        await term.shows(r"A\|B +5\.00", "signals: an answer too long", "connected")
        term.send("q")
        await term.ended(0)


async def test_monitor_password_and_database(t):
    redis = await t.redis("--requirepass", "s3cret")
    redis.password = "s3cret"
    await redis.cmds(("SELECT", 3), ("SET", f"{PREFIX}quote:{{A|B}}", quote("A|B", ltp=5)),
                     ("SADD", f"{PREFIX}index:quotes", "A|B"))
    url = f"redis://:s3cret@127.0.0.1:{redis.port}/3"
    rc, out, err = await run_binary("monitor", "--once", "--json", "--redis", url)
    assert rc == 0 and [r["id"] for r in loads(out)["quotes"]] == ["A|B"], err
    assert "s3cret" not in out
    rc, out, err = await run_binary("monitor", "--once", "--set", f"redis.url={url[:-1]}4")
    assert rc == 0 and "A|B" not in out
    rc, out, err = await run_binary("monitor", "--once", "--redis",
                                    f"redis://127.0.0.1:{redis.port}")
    assert rc == 1 and "NOAUTH" in err and "s3cret" not in err, err


async def test_monitor_usage(t):
    rc, out, _ = await run_binary("monitor", "--help")
    assert rc == 0 and "--once --json" in out
    for args, word in ((("--every", "0"), "--every"), (("--json",), "--once"),
                       (("--wat",), "--wat"), (("--prefix", "a b"), "--prefix"),
                       (("--redis",), "needs a value"), ((), "no terminal"),
                       (("--once", "--redis", "http://x"), "redis.url"),
                       (("--once", "--set", "redis.url="), "empty")):
        rc, out, err = await run_binary("monitor", *args)
        assert rc == 2 and word in err and not out, (args, rc, err)
    rc, out, err = await run_binary("monitor", "--once", "--redis",
                                    f"redis://127.0.0.1:{free_port()}")
    assert rc == 1 and "refused" in err and not out, err


async def test_monitor_reader_has_enough(t):
    """As before | head: nobody reads any more, and that is no fault."""
    redis = await t.redis()
    await put(redis, "A|B", quote("A|B", ltp=5))
    for extra in ((), ("--json",)):
        end, own = os.pipe()
        os.close(end)
        p = await asyncio.create_subprocess_exec(
            BINARY, "monitor", "--once", *extra, "--redis", redis.url, stdout=own,
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        os.close(own)
        _, err = await p.communicate()
        assert p.returncode == 0 and not err, (p.returncode, err)


async def test_monitor_no_colour(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url})
    await s.live()
    async with terminal(redis, env={"NO_COLOR": "1"}) as term:
        await term.shows(r"\[1 quotes \d\d\]")
        await term.shows(r" \^ ", limit=20)  # the move is told by a sign as well
        term.send("q")
        await term.ended(0)
        inner = term.raw.decode().split("\x1b[2J", 1)[1].rsplit("\x1b[0m\x1b[?7h", 1)[0]
        assert not re.search(r"\x1b\[[\d;]*m", inner)
