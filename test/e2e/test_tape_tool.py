# SPDX-License-Identifier: MIT
"""agnidata tape: info, verify, dump, cut and import, on what a server wrote and on recordings."""
import csv
import gzip
import io
import json
import os

from lib import data, run_binary
from tape import Follower, Ledger, kill


async def tool(*args, code=0, limit=30):
    got, out, err = await run_binary("tape", *args, limit=limit)
    assert got == code, f"{args}: exit code {got}: {out[-500:]} {err[-500:]}"
    return out, err


async def test_tape_tool_on_a_server(t):
    """What a client saw under a seq is what the tape says of it."""
    s = await t.server({"sim.speed": "20"})
    await s.live()
    ledger = Ledger()
    f = Follower("all", ledger, sorted(await s.quotes()), "all")
    await f.open(s.ws)
    await f.wait(lambda: f.ticks > 300, 10, "ticks")
    await kill(s)
    await f.lost()
    folder = os.path.join(t.folder, "var", "tape", "sim")
    out, _ = await tool("verify", folder)
    assert out.endswith("\nsound\n") and "open" in out, out
    out, _ = await tool("dump", folder)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [x["control"] for x in lines if "control" in x] == ["start", "market_info", "link_up"]
    ticks = {x["seq"]: x for x in lines if "seq" in x}
    assert sorted(ticks) == list(range(1, len(ticks) + 1))
    for seq, (key, ltp, _) in ledger.seen.items():
        assert ticks[seq]["key"] == key and float(ticks[seq].get("ltp", "nan")) == float(ltp)
    # A part of it, under the same numbers.
    out, _ = await tool("cut", folder, "--out", t.folder + "/part", "--from", "100", "--to", "250")
    assert "151 ticks" in out, out
    out, _ = await tool("dump", t.folder + "/part/sim")
    part = [x for x in map(json.loads, out.splitlines()) if "seq" in x]
    assert part == [ticks[seq] for seq in range(100, 251)]
    # And back from a table: at the market's times, not at those of the arrival.
    table, _ = await tool("dump", t.folder + "/part/sim", "--format", "csv")
    with open(t.folder + "/part.csv", "w") as f:
        f.write(table)
    await tool("import", t.folder + "/part.csv", "--out", t.folder)
    out, _ = await tool("dump", t.folder + "/import")
    back = [x for x in map(json.loads, out.splitlines()) if "seq" in x]
    assert [(x["key"], x["ts_ms"], x["recv_ms"]) for x in back] == \
           [(x["key"], x["ts_ms"], x["recv_ms"]) for x in part]
    await tool("cut", folder, "--out", t.folder + "/part", "--from", "1", "--to", "2", code=1)
    await tool("cut", folder, "--out", t.folder + "/none", "--from", "99999999", code=1)


async def test_tape_tool_finds_damage(t):
    """Every changed byte is found, told with its place, and the rest can still be dumped."""
    s = await t.server({"sim.speed": "20"})
    await s.live()
    await s.stop()
    folder = os.path.join(t.folder, "var", "tape", "sim")
    path = os.path.join(folder, "0000000001.tape")
    size = os.path.getsize(path)
    for offset in (5, 90, size // 3, size - 10):
        with open(path, "r+b") as file:
            file.seek(offset)
            old = file.read(1)
            file.seek(offset)
            file.write(bytes([old[0] ^ 0x40]))
            file.flush()
            out, _ = await tool("verify", folder, code=1)
            assert "DAMAGED" in out, out
            out, err = await tool("dump", path, code=1)
            assert "damaged places" in err and "\"control\":\"start\"" in out
            file.seek(offset)
            file.write(old)
    await tool("verify", folder)
    os.truncate(path, size - 30)
    out, _ = await tool("verify", folder)
    assert "not finished" in out, out


async def test_tape_tool_imports_a_day(t):
    """A whole recorded day, 136,936 messages: nothing is lost, cell by cell."""
    path = data("ticks/upstox_banknifty_opt_20251215.csv.gz")
    out, _ = await tool("import", path, "--out", t.folder, limit=60)
    assert "136936 messages, 136936 ticks; 0 left out" in out, out
    out, _ = await tool("verify", t.folder + "/import")
    assert out.endswith("\nsound\n")
    out, _ = await tool("dump", t.folder + "/import", "--format", "csv", limit=60)
    rows = csv.DictReader(io.StringIO(out))
    with gzip.open(path, "rt") as file:
        for want in csv.DictReader(file):
            got = next(rows)
            for name, cell in want.items():
                assert got[name] == cell or float(got[name]) == float(cell), (want, got, name)
    assert next(rows, None) is None


test_tape_tool_imports_a_day.limit = 120


async def test_tape_tool_imports_messages(t):
    path = data("ticks/upstox_frames_20260123_a.pbs")
    out, _ = await tool("import", path, "--out", t.folder)
    assert "70 messages, 612 ticks; 0 left out" in out, out
    await tool("import", path, "--out", t.folder, code=1)  # not empty any more


async def test_tape_tool_usage(t):
    for args in ((), ("info",), ("nonsense", "x"), ("dump", "x", "--format", "xml"),
                 ("cut", "x"), ("info", "x", "--out", "y"), ("dump", "x", "--from", "yesterday"),
                 ("import", "x.txt", "--out", t.folder)):
        _, err = await tool(*args, code=2)
        assert err, args
    for args, word in ((("dump", "x", "--from", "yesterday"), '--from "yesterday"'),
                       (("cut", "x"), "cut needs --out"), (("cut", "x", "--out"), '--out ""'), (("info",), "a path"),
                       (("info", "x", "--out", "y"), "takes no --out"), (("info", "x", "y"), '"y"')):
        _, err = await tool(*args, code=2)
        assert word in err.splitlines()[0], (args, err)
    out, _ = await tool("--help")
    assert "agnidata tape import" in out
    await tool("info", os.path.join(t.folder, "absent"), code=1)
