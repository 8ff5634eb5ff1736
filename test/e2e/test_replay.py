# SPDX-License-Identifier: MIT
"""agnidata replay: the same input gives the same hash, however it is stored and cut."""
import os
import re

from lib import data, option_tape, run_binary
from test_tape_tool import tool


async def replay(t, path, *args, code=0, limit=60):
    got, out, err = await run_binary("replay", path, "--set", "redis.url=", "--set",
                                     f"server.data_dir={t.folder}/var", *args, limit=limit)
    assert got == code, f"exit code {got}: {out} {err[-2000:]}"
    return out, err


def facts(out):
    ticks = re.search(r"^ticks +(\d+) of (\d+) instruments, in (\d+) turns$", out, re.M)
    sha = re.search(r"^sha256 +([0-9a-f]{64})$", out, re.M)
    return int(ticks[1]), int(ticks[2]), int(ticks[3]), sha[1]


async def test_replay_is_the_same_each_time(t):
    """20,000 ticks as messages of the wire, twice; as a tape of ours; at another pace; and from what
    a replay has recorded itself."""
    path, _ = option_tape()
    out, err = await replay(t, path)
    want = facts(out)
    assert want[:3] == (20000, 5, 8912) and "replay: 100%" in err, (out, err)
    assert "NOT COMPLETE" not in out and "2025-12-15T09:32:48" in out
    out, _ = await replay(t, path)
    assert facts(out) == want
    await tool("import", path, "--out", t.folder + "/in")
    out, _ = await replay(t, t.folder + "/in/import", "--speed", "3000")
    assert facts(out) == want
    # The three runs are on the tape of replays, apart from all others.
    assert sorted(os.listdir(os.path.join(t.folder, "var", "tape"))) == ["replay"]
    recorded = os.path.join(t.folder, "var", "tape", "replay")
    await tool("cut", recorded, "--out", t.folder + "/again", "--from", "20001", "--to", "40000")
    out, _ = await replay(t, t.folder + "/again/replay")
    assert facts(out) == want
    # With sync=turn the ticks take another way to the book.
    out, _ = await replay(t, path, "--set", "tape.sync=turn")
    assert facts(out) == want


test_replay_is_the_same_each_time.limit = 120


async def test_replay_of_a_day(t):
    """136,936 messages of a whole day with its gaps, end to end, twice; the second time ticks take the way
    over the disk. The signals are the same too."""
    path = data("ticks/upstox_banknifty_opt_20251215.csv.gz")
    keys = "NSE_FO|51414,NSE_FO|51460,NSE_FO|51461,NSE_FO|51498,NSE_FO|60166"
    sets = ("signals.apps=simple", f"app.simple.instruments={keys}", "app.simple.change_pct=20",
            "app.simple.rules=price_change,momentum")
    await tool("import", path, "--out", t.folder + "/in", limit=60)
    runs = [(await replay(t, t.folder + "/in/import", *(w for x in sets for w in ("--set", x)),
                          "--set", f"tape.sync={sync}", limit=120))[0]
            for sync in ("interval", "turn")]
    found = [re.search(r"^signals +(\d+), sha256 [0-9a-f]{64}$", out, re.M) for out in runs]
    assert facts(runs[0]) == facts(runs[1]) and facts(runs[0])[:3] == (136936, 5, 136936), runs
    assert found[0][0] == found[1][0] and int(found[0][1]) > 5, runs


test_replay_of_a_day.limit = 240


async def test_replay_tells_what_is_wrong(t):
    path, _ = option_tape()
    await tool("import", path, "--out", t.folder + "/in")
    folder = t.folder + "/in/import"
    file = os.path.join(folder, "0000000001.tape")
    with open(file, "r+b") as f:
        f.seek(1000000)
        f.write(b"xxxx")
    out, _ = await replay(t, folder, code=1)
    assert "NOT COMPLETE" in out, out
    assert 0 < facts(out)[0] < 20000
    _, err = await replay(t, t.folder + "/absent", code=1)
    assert "absent" in err
    got, _, err = await run_binary("replay")
    assert got == 2 and "needs a recording" in err
    got, out, _ = await run_binary("replay", "--help")
    assert got == 0 and "--speed" in out
    csv = os.path.join(t.folder, "day.csv")
    with open(csv, "w") as f:
        f.write("recv_ms,key,ltp\n1765771490949,NSE_FO|1,5.5\n")
    _, err = await replay(t, csv, code=1)
    assert "tape import" in err
    _, err = await replay(t, path, "--set", "upstream.mode=upstox", code=2)
    assert "recording as its upstream" in err
