# SPDX-License-Identifier: MIT
"""Signals: the same from a recording each time, live and replayed; over REST; after a restart."""
import hashlib
import json
import os
import re
import signal

from lib import data, option_tape, read_jsonl, run_binary, until

KEYS = ["NSE_FO|51414", "NSE_FO|51460", "NSE_FO|51461", "NSE_FO|51498", "NSE_FO|60166"]
RULES = {"signals.apps": "simple", "app.simple.instruments": ",".join(KEYS),
         "app.simple.rules": "price_change,momentum", "app.simple.change_pct": "20",
         "app.simple.noise": "2", "app.simple.cooldown_s": "30"}


async def replay(t, path, sets):
    sets = {**RULES, "redis.url": "", "server.data_dir": t.folder + "/replay", **sets}
    args = [w for k, v in sets.items() for w in ("--set", f"{k}={v}")]
    code, out, err = await run_binary("replay", path, *args, limit=60)
    assert code == 0, (out, err[-2000:])
    return (re.search(r"^signals +(.*)$", out, re.M)[1],
            re.search(r"^sha256 +([0-9a-f]{64})$", out, re.M)[1])


async def signals(s, query=""):
    r = await s.get("/signals" + query)
    assert r.status == 200, r.body
    return r.data()["signals"]


async def chain(s):
    """The signals of a server, oldest first, as the replay's chain of hashes sees them."""
    text = (await s.get("/signals?limit=1024")).body.decode()
    at, found, digest = text.index("[") + 1, [], bytes(32)
    while text[at] == "{":
        _, end = json.JSONDecoder().raw_decode(text, at)
        found.append(text[at:end])
        at = end + 1
    for line in reversed(found):
        digest = hashlib.sha256(digest + line.encode()).digest()
    return f"{len(found)}, sha256 {digest.hex()}"


async def played(s, ticks):
    async def has_come():
        return int((await s.health())["seq"]) >= ticks  # shown, not only received
    await until(has_come, 30, f"{ticks} ticks")


async def test_signals_live_and_replayed(t):
    """20,000 recorded ticks: twice, cut by blocks of the disk, at another pace, and live through the
    simulated exchange: the same list."""
    path, _ = option_tape()
    want = await replay(t, path, {})
    assert int(want[0].split(",")[0]) > 20, want
    assert await replay(t, path, {}) == want
    assert await replay(t, path, {"tape.sync": "turn"}) == want
    assert await replay(t, path, {"sim.speed": "3000"}) == want
    fewer = await replay(t, path, {"app.simple.rules": "price_change"})
    assert fewer != want and fewer[1] != want[1]
    for sync in ("interval", "turn"):
        s = await t.server({**RULES, "sim.source": "tape", "sim.tape": path, "sim.speed": "max",
                            "tape.sync": sync, "server.data_dir": f"{t.folder}/{sync}"})
        await played(s, 20000)
        assert await chain(s) == want[0], sync
        assert not os.path.exists(f"{t.folder}/{sync}/sim/signals.jsonl")


test_signals_live_and_replayed.limit = 120


async def test_signals_with_the_master(t):
    """Index, futures and options together: selectors follow the money, and find the same each time."""
    path = data("ticks/upstox_frames_20260123_a.pbs")
    keys = sorted({k for m in read_jsonl(data("ticks/upstox_frames_20260123_a.jsonl.gz"))
                   for k in m.get("feeds", {})})
    sets = {"instruments.master": data("instruments/upstox_nse_small_20260113.json.gz"),
            "instruments.watch": ",".join(keys), "signals.apps": "options,futures",
            "app.options.change_pct": "62.5", "app.options.rearm": "0.99",
            "app.options.cooldown_s": "0",
            "app.options.instruments": "NIFTY:current:ATM+-8,BANKNIFTY:current:ATM+-8"}
    runs = [await replay(t, path, {**sets, "tape.sync": x}) for x in ("interval", "turn", "turn")]
    assert runs[0] == runs[1] == runs[2], runs
    assert int(runs[0][0].split(",")[0]) > 0, runs


async def test_signals_over_rest(t):
    path, _ = option_tape()
    s = await t.server({**RULES, "sim.source": "tape", "sim.tape": path, "sim.speed": "max"})
    await played(s, 20000)
    found = await signals(s, "?limit=1024")
    ids = [int(x["id"]) for x in found]
    assert ids == list(range(len(ids), 0, -1)) and len(ids) > 20, ids
    assert [int(x["id"]) for x in await signals(s, "?limit=2")] == ids[:2]
    one = found[5]
    assert one["app"] == "simple" and one["side"] in ("BUY", "SELL"), one
    assert 0 <= float(one["confidence"]) <= 1 and one["inputs"], one
    only = await signals(s, "?instrument=" + one["key"].replace("|", "%7C"))
    assert only and {x["key"] for x in only} == {one["key"]}
    late = await signals(s, f"?from={one['ts_ms']}&limit=1024")
    assert {x["id"] for x in late} == {x["id"] for x in found
                                          if int(x["ts_ms"]) >= int(one["ts_ms"])}
    early = await signals(s, f"?to={one['ts_ms']}&limit=1024")
    assert len(early) + len(late) == len(found)
    assert await signals(s, "?app=redis") == []
    for query in ("?limit=x", "?from=yesterday", "?app=simpel", "?instrument=TCS"):
        r = await s.get("/signals" + query)
        assert (r.status, r.error()) == (400, "bad_request"), (query, r.body)


async def test_signals_in_scope(t):
    path, _ = option_tape()
    key = await t.key("--role", "viewer", "--scope", KEYS[0])
    headers = (f"Authorization: Bearer {key}",)
    s = await t.server({**RULES, "sim.source": "tape", "sim.tape": path, "sim.speed": "max"})

    async def mine():
        return (await s.get("/signals?limit=1024", headers=headers)).data()["signals"]
    found = await until(mine, 30, "a signal")
    assert {x["key"] for x in found} == {KEYS[0]}
    r = await s.get("/signals?instrument=" + KEYS[1].replace("|", "%7C"), headers=headers)
    assert (r.status, r.error()) == (403, "not_permitted"), r.body


async def test_signals_after_a_restart(t):
    """Killed: the list is there again, the next one goes on with its number, a torn line is no error."""
    sets = {"signals.apps": "simple", "app.simple.change_pct": "0.01", "app.simple.rearm": "0.5",
            "app.simple.cooldown_s": "0", "sim.speed": "20"}
    s = await t.server(sets)

    async def some():
        found = await signals(s)
        return found if len(found) > 2 else None
    await until(some, 30, "some signals")
    s.process.send_signal(signal.SIGKILL)
    await s.ended()
    s.check(-signal.SIGKILL)
    journal = os.path.join(t.folder, "var", "sim", "signals.jsonl")
    with open(journal) as f:
        lines = f.read().splitlines()
    before = [json.loads(x) for x in lines]
    with open(journal, "a") as f:
        f.write('{"id":99,"seq":1,"ts_ms":17')
    s = await t.server(sets)
    found = await signals(s, "?limit=1024")
    old = [x for x in found if int(x["id"]) <= before[-1]["id"]]
    assert [int(x["id"]) for x in old] == [x["id"] for x in reversed(before)]
    assert old[0]["key"] == before[-1]["key"] and old[0]["inputs"].keys() == before[-1]["inputs"].keys()

    async def next_one():
        return [x for x in await signals(s) if int(x["id"]) == before[-1]["id"] + 1]
    await until(next_one, 30, "the next signal")
    with open(journal) as f:
        assert all(json.loads(x) for x in f.read().splitlines())
