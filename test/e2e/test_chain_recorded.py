# SPDX-License-Identifier: MIT
"""Recorded option chains through the simulated exchange: what the server makes of them, over REST and
on the channel, against the plainest arithmetic on the files themselves (test/lib/chain_figures.py)."""
import calendar
import json
import os
import sys
import time

from lib import ROOT, START_DELAY_MS, data, until
from recording import write_pbs

sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
import chain_figures  # noqa: E402

INDEX = "NSE_INDEX|Nifty 50"
SIDES = (("call", "CE", 0), ("put", "PE", 3))


def ms_of(ist):
    form = "%Y-%m-%dT%H:%M:%S" if ist.count(":") == 2 else "%Y-%m-%dT%H:%M"
    return (calendar.timegm(time.strptime(ist, form)) - 19800) * 1000


def snapshots(name, expiry):
    """(instant, {strike: [call oi, previous, volume, put oi, previous, volume]}) of one expiry of a
    file, in order. A zero is not sent by the feed: it is not known."""
    chains, path = {}, data(f"chain/{name}.csv.gz")
    chain_figures.READERS[os.path.basename(path)](path, chains)
    out = []
    for title, chain in chains.items():
        symbol, day, at = title.split()
        if (symbol, day) == ("NIFTY", expiry):
            out.append((ms_of(at), {k: [v or None for v in row] for k, row in chain.items()}))
    return sorted(out, key=lambda s: s[0])


def key_of(strikes, strike, column):
    return f"NSE_FO|{50000 + 2 * strikes.index(strike) + (column > 0)}"


def write_master(t, strikes, expiry):
    rows = [{"segment": "NSE_INDEX", "name": "Nifty 50", "instrument_type": "INDEX",
             "instrument_key": INDEX, "exchange_token": "26000", "trading_symbol": "NIFTY"}]
    for strike in strikes:
        for _, kind, column in SIDES:
            key = key_of(strikes, strike, column)
            rows.append({"segment": "NSE_FO", "name": "NIFTY", "instrument_type": kind,
                         "expiry": ms_of(expiry + "T23:59:59"), "instrument_key": key,
                         "exchange_token": key.split("|")[1], "lot_size": 75, "weekly": True,
                         "trading_symbol": f"NIFTY {strike:g} {kind}", "tick_size": 5.0,
                         "underlying_symbol": "NIFTY", "underlying_key": INDEX,
                         "strike_price": strike})
    path = os.path.join(t.folder, "master.json")
    with open(path, "w", encoding="ascii") as f:
        json.dump(rows, f)
    return path


def entry(at, oi, volume):
    return {"fullFeed": {"marketFF": {"ltpc": {"ltp": 10.0, "ltt": at}, "vtt": volume or 0,
                                      "oi": oi or 0}}, "requestMode": 1}


def message(at, strikes, chain, oi_column):
    feeds = {key_of(strikes, k, column): entry(at, row[column + oi_column], row[column + 2])
             for k, row in chain.items() for _, _, column in SIDES}
    return {"type": 0, "currentTs": at, "feeds": feeds}


def write_tape(t, strikes, chains, close):
    """The close of the session before, where the file knows its open interest, then the snapshots."""
    messages = []
    if any(row[1] for row in chains[0][1].values()):
        # Of each contract the newest word on it.
        before = {}
        for _, chain in reversed(chains):
            before.update(chain)
        messages.append(message(close - 1000, strikes, before, 1))
        messages.append({"type": 1, "currentTs": close, "feeds": {INDEX: {"fullFeed": {"indexFF": {
            "ltpc": {"ltp": strikes[len(strikes) // 2], "ltt": close}}}, "requestMode": 1}}})
    messages += [message(at, strikes, chain, 0) for at, chain in chains]
    path = os.path.join(t.folder, "chain.pbs")
    write_pbs(path, messages)
    return path


def check(have, want, oi_day):
    """A chain of the server against the figures of the file."""
    pcr_oi, pcr_volume, max_pain, _, call_change, put_change = want.split()
    for name, value in (("pcr_oi", pcr_oi), ("pcr_volume", pcr_volume)):
        if value == "-":
            assert name not in have
        else:
            assert abs(float(have[name]) - float(value)) < 1e-6, (name, have[name], value)
    assert float(have["max_pain"]) == float(max_pain), (have["max_pain"], max_pain)
    for side, value in (("call", call_change), ("put", put_change)):
        change = have[f"{side}_totals"].get("oi_change", "-")
        assert change == value, (side, change, value)
    if call_change != "-":
        assert have["previous_session"] == oi_day


async def play(t, name, expiry, cut, close, previous):
    """The file's snapshots up to `cut`; the server's chain must be what the last of them says."""
    every = snapshots(name, expiry)
    chains = every[:1] + every[cut // 2:cut + 1:max(1, cut // 4)] + [every[cut]]
    strikes = sorted({k for _, chain in every for k in chain})
    at, last = chains[-1]
    s = await t.server({
        "sim.source": "tape", "sim.tape": write_tape(t, strikes, chains, close and ms_of(close)),
        "sim.speed": "max", "sim.start_delay_ms": START_DELAY_MS,
        "instruments.master": write_master(t, strikes, expiry),
        "options.bands": f"NIFTY:{strikes[0]:g}:{strikes[-1]:g}:0.05"})
    c = await t.client(s)
    await c.ws.send(json.dumps({"action": "subscribe", "channels": ["chain:NIFTY"]}))

    def told():
        """The channel's newest."""
        mine = [m["data"] for m in c.replies if m.get("channel") == "chain:NIFTY"]
        return mine[-1] if mine and int(mine[-1]["ts_ms"]) == at else None

    async def asked():
        r = await s.get("/chain/NIFTY?strikes=all")
        return r.data() if r.status == 200 and int(r.data()["ts_ms"]) == at else None
    want = chain_figures.figures({k: last.get(k, [None] * 6) for k in strikes})
    rest = await until(asked, 20, "the last snapshot over REST")
    check(rest, want, previous)
    check(await until(told, 20, "the last snapshot on the channel"), want, previous)
    # Contract by contract.
    by_strike = {float(r["strike"]): r for r in rest["strikes"]}
    compared = 0
    for strike, row in last.items():
        for side, _, column in SIDES:
            leg = by_strike[strike][side]
            oi, before = row[column], row[column + 1]
            assert int(leg.get("oi", 0)) == (oi or 0), (strike, side, leg, row)
            if oi and before:
                assert int(leg["prev_oi"]) == before and leg["prev_oi_source"] == "session"
                assert int(leg["oi_change"]) == oi - before, (strike, side, leg, row)
                compared += 1
    await s.stop()
    return compared


async def test_chain_recorded_nse(t):
    for cut in (1, 150, 291):
        compared = await play(t, "nse_nifty_chain_20250829", "2025-09-02", cut,
                              "2025-08-28T15:30:00", "2025-08-28")
        assert compared > 50


async def test_chain_recorded_lots(t):
    for cut in (1, 40, 80):
        compared = await play(t, "nifty_oi_20251205", "2025-12-09", cut,
                              "2025-12-04T15:30:00", "2025-12-04")
        assert compared > 50


async def test_chain_recorded_kite(t):
    """An expiry day, without a word on the day before: no change is made up."""
    for cut in (1, 60):
        assert await play(t, "kite_index_chain_20260203", "2026-02-03", cut, "", "") == 0
