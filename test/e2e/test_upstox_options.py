# SPDX-License-Identifier: MIT
"""Option contracts and chain in the broker's form, against answers that the broker really gave: what
they say goes in by instrument file and feed, and has to come out of the REST API again."""
import calendar
import gzip
import json
import os
import time
from decimal import Decimal

from lib import START_DELAY_MS, data, until
from recording import write_pbs

INDEX = "NSE_INDEX|Nifty 50"
AT_MS = 1775111640000  # 2026-04-02 12:04 IST, when the broker was asked
CONTRACT, CHAIN = "/v2/option/contract", "/v2/option/chain"
KEY = "?instrument_key=NSE_INDEX%7CNifty+50"


def answered(name):
    with gzip.open(data(name), "rt") as f:
        return json.load(f)["data"]


def last_second(date):
    """23:59:59 IST of a date, as the instrument file has it, in milliseconds."""
    return (calendar.timegm(time.strptime(date, "%Y-%m-%d")) + 86399 - 19800) * 1000


def write_master(t, contracts):
    """The broker's instrument file with these contracts and their index."""
    rows = [{"segment": "NSE_INDEX", "name": "Nifty 50", "exchange": "NSE",
             "instrument_type": "INDEX", "instrument_key": INDEX, "exchange_token": "26000",
             "trading_symbol": "NIFTY"}]
    rows += [{**c, "expiry": last_second(c["expiry"])} for c in contracts]
    path = os.path.join(t.folder, "master.json")
    with open(path, "w") as f:
        json.dump(rows, f)
    return path


def is_equal(have, want):
    if isinstance(want, (int, float)) and not isinstance(want, bool):
        return Decimal(have) == Decimal(repr(want))
    return have == want


async def test_upstox_option_contracts(t):
    want = {c["instrument_key"]: c
            for c in answered("instruments/upstox_rest_option_contracts_20260402.json.gz")}
    s = await t.server({"sim.start": "2026-04-02T12:04:00", "instruments.watch": INDEX,
                        "instruments.master": write_master(t, want.values())})

    async def ask(more=""):
        r = await s.get(CONTRACT + KEY + more)
        return r.status == 200 and {c["instrument_key"]: c for c in r.data()}
    have = await until(ask, 15, "the instrument master")
    assert have.keys() == want.keys() and len(have) == 2078
    for key, c in want.items():
        assert have[key].keys() == c.keys(), (have[key], c)
        assert all(is_equal(have[key][name], c[name]) for name in c), (have[key], c)
    week = await ask("&expiry_date=2026-04-07")
    assert week.keys() == {k for k, c in want.items() if c["expiry"] == "2026-04-07"}
    assert await ask("&expiry_date=2026-04-08") == {}


def feed_of(option):
    """A side of the chain as the feed told it: zeros are not sent, iv is a fraction."""
    m, g = option["market_data"], option["option_greeks"]
    return {"fullFeed": {"marketFF": {
        # When it traded the answer does not say: some prices are of hours before.
        "ltpc": {"ltp": m["ltp"], "ltt": AT_MS - 3600000 if m["ltp"] else 0, "ltq": 65,
                 "cp": m["close_price"]},
        "marketLevel": {"bidAskQuote": [{"bidQ": m["bid_qty"], "bidP": m["bid_price"],
                                         "askQ": m["ask_qty"], "askP": m["ask_price"]}]},
        "optionGreeks": {n: g[n] for n in ("delta", "theta", "gamma", "vega")},
        "vtt": m["volume"], "oi": m["oi"], "iv": g["iv"] / 100}}, "requestMode": 1}


def write_tape(t, rows):
    feeds = {INDEX: {"fullFeed": {"indexFF": {"ltpc": {
        "ltp": rows[0]["underlying_spot_price"], "ltt": AT_MS - 1000}}}, "requestMode": 1}}
    for row in rows:
        for side in ("call_options", "put_options"):
            feeds[row[side]["instrument_key"]] = feed_of(row[side])
    path = os.path.join(t.folder, "chain.pbs")
    write_pbs(path, [{"type": 1, "currentTs": AT_MS, "feeds": feeds}])
    return path


def check_side(have, want):
    assert have["instrument_key"] == want["instrument_key"]
    for part in ("market_data", "option_greeks"):
        assert have[part].keys() == want[part].keys(), (have, want)
        for name, value in want[part].items():
            if name in ("prev_oi", "pop"):
                continue  # not of the feed
            # What is 0 is not sent outside of the book: it is not known here.
            is_absent = value == 0 and not name.startswith(("bid_", "ask_"))
            assert have[part][name] is None if is_absent else is_equal(have[part][name], value), \
                (name, have, want)
    assert have["option_greeks"]["pop"] is None


async def played(t, rows):
    contracts = [{"segment": "NSE_FO", "name": "NIFTY", "exchange": "NSE", "expiry": row["expiry"],
                  "instrument_type": kind, "instrument_key": row[side]["instrument_key"],
                  "trading_symbol": f"NIFTY {row['strike_price']} {kind}",
                  "underlying_symbol": "NIFTY", "underlying_key": INDEX, "lot_size": 65,
                  "strike_price": row["strike_price"], "weekly": True, "tick_size": 5.0}
                 for row in rows for side, kind in (("call_options", "CE"), ("put_options", "PE"))]
    s = await t.server({"sim.source": "tape", "sim.tape": write_tape(t, rows), "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed",
                        "instruments.master": write_master(t, contracts)})

    async def all_is_there():
        return (await s.metrics())["agnidata_feed_ticks_total"] == 2 * len(rows) + 1
    await until(all_is_there, 20, "the chain has come")
    return s


async def test_upstox_option_chain(t):
    rows = answered("chain/upstox_rest_option_chain_20260402.json.gz")
    s = await played(t, rows)
    have = (await s.get(CHAIN + KEY + "&expiry_date=2026-04-07")).data()
    assert [r["strike_price"] for r in have] == [f"{r['strike_price']:g}" for r in rows]
    assert sum("pcr" not in r for r in have) == sum("pcr" not in r for r in rows) > 0
    for h, w in zip(have, rows):
        assert h.keys() == w.keys(), (h, w)
        for name in ("expiry", "strike_price", "underlying_key", "underlying_spot_price"):
            assert is_equal(h[name], w[name]), (name, h, w)
        assert "pcr" not in w or is_equal(h["pcr"], w["pcr"]), (h, w)
        check_side(h["call_options"], w["call_options"])
        check_side(h["put_options"], w["put_options"])
    assert (await s.get(CHAIN + KEY + "&expiry_date=2026-04-14")).data() == []


async def test_upstox_options_errors(t):
    s = await t.server()

    async def is_listed():
        r = await s.get(CONTRACT + KEY)
        if r.status == 503:
            assert r.error() == "UDAPI100500", r.body
        return r.status == 200
    await until(is_listed, 15, "the instrument master")
    for target, status, code in (
            (CONTRACT, 400, "UDAPI1009"), (CONTRACT + "?instrument_key=NIFTY", 400, "UDAPI1011"),
            (CONTRACT + "?instrument_key=NSE_INDEX%7CNone", 400, "UDAPI100011"),
            (CONTRACT + KEY + "&expiry_date=23-11-2026", 400, "UDAPI1088"),
            (CHAIN + "?expiry_date=2026-11-23", 400, "UDAPI1009"),
            (CHAIN + KEY, 400, "UDAPI1088"), (CHAIN + KEY + "&expiry_date=soon", 400, "UDAPI1088"),
            (CHAIN + "?instrument_key=NSE_INDEX%7CNone&expiry_date=2026-11-23", 400, "UDAPI100011")):
        r = await s.get(target)
        assert (r.status, r.error()) == (status, code), (target, r.status, r.body)
    # An instrument without options, and an expiry that is over.
    r = await s.get(CONTRACT + "?instrument_key=NSE_EQ%7CINE467B01029")
    assert r.data() == [], r.body
    assert (await s.get(CHAIN + KEY + "&expiry_date=2026-11-17")).data() == []


async def test_upstox_options_in_scope(t):
    """Contracts outside of the scope are not there; nor is the price of the index."""
    key = await t.key("--role", "viewer", "--scope", "NSE_FO|97560,NSE_FO|97563")
    s = await t.server()
    headers = (f"Authorization: Bearer {key}",)

    async def rows():
        r = await s.get(CHAIN + KEY + "&expiry_date=2026-11-23", headers=headers)
        return r.status == 200 and len(r.data()) == 2 and r.data()
    a, b = await until(rows, 15, "two sides")
    assert "put_options" not in a and "call_options" not in b and "pcr" not in a, (a, b)
    assert a["underlying_spot_price"] is None, a
    r = await s.get(CONTRACT + KEY, headers=headers)
    assert [c["instrument_key"] for c in r.data()] == ["NSE_FO|97560", "NSE_FO|97563"], r.body
    assert (await s.get(CONTRACT + KEY)).error() == "UDAPI100050"


async def test_upstox_option_chain_without_the_link(t):
    """This form has no word for stale: what must not be taken for the present is not there."""
    s = await t.server()
    await s.live()

    async def n():
        r = await s.get(CHAIN + KEY + "&expiry_date=2026-11-23")
        return len(r.data()) if r.status == 200 else -1

    async def is_whole():
        return await n() == 17

    async def is_empty():
        return await n() == 0
    await until(is_whole, 15, "17 strikes")
    await s.fault("forbidden")
    await s.fault("drop")
    await until(is_empty, 10, "no strike is shown any more")
