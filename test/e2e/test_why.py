# SPDX-License-Identifier: MIT
"""Why an instrument does not tick: each cause brought about for real, and named."""
import datetime
import json
import os
import re

from lib import START_DELAY_MS, data, quote_key, until

INDEX, BANK = "NSE_INDEX|Nifty 50", "NSE_INDEX|Nifty Bank"
RELIANCE = "NSE_EQ|INE002A01018"


async def ask(s, instrument, **kw):
    more = kw.pop("more", "")
    r = await s.get("/why?instrument=" + quote_key(instrument) + more, **kw)
    assert r.status == 200, (r.status, r.body)
    d = r.data()
    assert d["sentence"] and d["asked"] == instrument, d
    return d


async def becomes(s, instrument, code, limit=15, more=""):
    """Waits until the answer has this code; the answer."""
    got = {}

    async def is_so():
        got.update(await ask(s, instrument, more=more))
        return got["code"] == code
    try:
        await until(is_so, limit, f"why {instrument}: {code}")
    except AssertionError as e:
        raise AssertionError(f"{e}; it is {got['code']}: {got['sentence']}") from None
    return got


def also(d):
    return [x["code"] for x in d["also"]]


async def test_why_all_is_well(t):
    s = await t.server()
    await s.live()
    d = await becomes(s, INDEX, "ok")
    assert d["also"] == [] and d["key"] == INDEX, d
    f = d["facts"]
    assert f["subscription"]["wanted"] == f["subscription"]["upstream"] == "full", f
    assert int(f["ticks"]["last_ms_ago"]) < 10000 and f["market"]["clock"] == "feed", f
    assert f["market"]["time"].startswith("2026-11-20T09:15"), f
    # A name, in any case; a selector and all that it means.
    assert (await becomes(s, "reliance", "ok"))["key"] == RELIANCE
    d = await becomes(s, "NIFTY:current:ATM+-1", "ok")
    assert len(d["means"]) == 6 and d["key"] == d["means"][0]["key"], d
    assert int(d["facts"]["neighbours"]["subscribed"]) >= 30, d


async def test_why_counts_this_play_only(t):
    """After a restart the synthetic market plays the same minutes again: trades of the play before are
    none of this one."""
    s = await t.server({"sim.speed": "20"})
    await s.live()

    async def is_far():
        return (await ask(s, INDEX))["facts"]["market"]["time"] >= "2026-11-20T09:17"
    await until(is_far, 30, "two minutes are played")
    assert int((await ask(s, INDEX))["facts"]["ticks"]["trades_60s"]) > 10
    await s.stop()
    s = await t.server()
    await s.live()
    await s.logged("the day's bars are whole again", 20)
    d = await becomes(s, INDEX, "ok")
    assert d["facts"]["market"]["time"] < "2026-11-20T09:17", d
    assert d["facts"]["ticks"]["trades_60s"] is None and "trades" not in d["sentence"], d


async def test_why_is_not_there(t):
    s = await t.server({"instruments.watch": INDEX})
    await s.live()
    for text, nearest in (("NSE_EQ|RELIANCE", [RELIANCE]), ("NSE_INDEX|Nifty 5O", [INDEX]),
                          ("RELAINCE", [RELIANCE]), ("NSE_FO|123456", [])):
        d = await ask(s, text)
        assert d["code"] == "unknown_instrument" and "key" not in d, d
        assert d["facts"]["instrument"]["nearest"] == nearest, d
        assert all(key in d["sentence"] for key in nearest), d
    # What /instruments finds by its words is what was probably meant.
    d = await ask(s, "nifty 25800 ce")
    found = (await s.get("/instruments?limit=5&query=nifty%2025800%20ce")).data()["instruments"]
    assert d["code"] == "unknown_instrument" and "segment" not in d["facts"]["market"], d
    assert d["facts"]["instrument"]["nearest"] == [i["key"] for i in found] != [], (d, found)
    d = await ask(s, "NIFTI:current:ATM")
    assert d["code"] == "unknown_underlying" and d["facts"]["nearest"] == ["NIFTY"], d
    # Nobody asks for it, until somebody does.
    d = await ask(s, RELIANCE)
    assert d["code"] == "not_subscribed" and also(d) == [], d
    c = await t.client(s)
    assert (await c.subscribe([RELIANCE])) == {RELIANCE: "subscribed"}
    d = await ask(s, RELIANCE)
    assert d["code"] in ("awaiting_first_tick", "ok"), d
    await becomes(s, RELIANCE, "ok")
    for target, code in (("/why", "bad_request"), ("/why?instrument=", "bad_request"),
                         ("/why?instrument=" + "x" * 129, "bad_request"),
                         ("/why?instrument=a%7Cb", "invalid_instrument"),
                         ("/why?instrument=NIFTY:soon:ATM", "bad_selector"),
                         ("/why?mode=best&instrument=NIFTY", "bad_request")):
        r = await s.get(target)
        assert (r.status, r.error()) == (400, code), (target, r.body)


async def test_why_limits(t):
    """What the broker would not serve, what it does not serve in silence, and what there is no place for."""
    s = await t.server({"instruments.watch": f"{INDEX},{BANK}", "upstream.full_max": "2",
                        "upstream.full_mixed_max": "2"})
    await s.live()
    d = await ask(s, RELIANCE)
    assert d["code"] == "over_broker_limit" and also(d) == ["not_subscribed"], d
    assert "mode full" in d["sentence"] and d["facts"]["subscription"]["would_be_refused"], d
    d = await ask(s, RELIANCE, more="&mode=ltpc")
    assert d["code"] == "not_subscribed", d
    await becomes(s, INDEX, "ok")
    # The broker's limit is below the one that we know of.
    s = await t.server({"server.data_dir": os.path.join(t.folder, "two"), "sim.full_max": "1",
                        "instruments.watch": f"{INDEX},{RELIANCE}"})
    await s.live()
    keys = [INDEX, RELIANCE]

    async def is_told():
        got = [(await ask(s, k))["code"] for k in keys]
        return sorted(got) == ["no_answer", "ok"]
    await until(is_told, 15, "one is served, of the other nothing comes")


def write_master(t, rows, name="master.json"):
    path = os.path.join(t.folder, name)
    with open(path, "w", encoding="ascii") as f:
        json.dump([{"instrument_key": key, "instrument_type": kind, "trading_symbol": symbol, **more}
                   for key, kind, symbol, more in rows], f)
    return path


async def test_why_no_place(t):
    keys = [f"NSE_EQ|INE{n:09}" for n in range(70)]
    master = write_master(t, [(INDEX, "INDEX", "NIFTY", {})] + [(k, "EQ", k, {}) for k in keys])
    s = await t.server({"server.instruments_max": "64", "instruments.watch": INDEX,
                        "instruments.master": master})
    await s.live()
    c = await t.client(s)
    left = [k for k, v in (await c.subscribe(keys)).items() if v == "over_limit"]
    assert left, "there is a place for each"
    d = await ask(s, left[0])
    assert d["code"] == "over_limit" and "server.instruments_max (64)" in d["sentence"], d


async def test_why_market_closed(t):
    """After the session's end by the broker's word; on a holiday of the calendar's file, where the
    broker says nothing of the segment, by the server's clock."""
    s = await t.server({"sim.start": "2026-11-23T15:39:57", "upstream.forbidden_retry_s": "3600"})
    await s.live()
    d = await becomes(s, INDEX, "market_closed")
    assert "broker says NORMAL_CLOSE" in d["sentence"], d
    # Tuesday the 24th is a holiday.
    assert "it opens at 2026-11-25 09:15 IST" in d["sentence"], d
    assert d["facts"]["market"]["time"].startswith("2026-11-23T15:4"), d
    # What the broker said last is of a connection that is gone: the calendar stands.
    await s.fault("forbidden")
    await s.fault("drop")
    await s.logged(r"-> forbidden", 15)
    d = await ask(s, INDEX)
    assert d["code"] == "closing" and "forbidden" in also(d), d
    assert "broker_says" not in d["facts"]["market"] and "(transition)" in d["sentence"], d
    path, today = os.path.join(t.folder, "calendar"), datetime.datetime.now(
        datetime.timezone(datetime.timedelta(hours=5, minutes=30))).date()
    with open(path, "w", encoding="ascii") as f:
        for i in range(3):
            f.write(f"holiday {today + datetime.timedelta(days=i)} declared for this test\n")
    master = write_master(t, [(INDEX, "INDEX", "NIFTY", {}),
                              ("BSE_EQ|INE002A01018", "EQ", "RELIANCE", {})])
    s = await t.server({"server.data_dir": os.path.join(t.folder, "two"), "server.clock": "system",
                        "calendar.file": path, "instruments.master": master,
                        "instruments.watch": f"{INDEX},BSE_EQ|INE002A01018"})
    d = await becomes(s, "BSE_EQ|INE002A01018", "market_closed")
    assert "closed (holiday: declared for this test)" in d["sentence"], d
    f = d["facts"]["market"]
    assert f["phase"] == "closed" and f["clock"] == "system" and "broker_says" not in f, f
    assert f["next_open"][:10] > str(today + datetime.timedelta(days=2)), f


async def test_why_expired(t):
    master = write_master(t, [(INDEX, "INDEX", "NIFTY", {}), ("NSE_FO|7", "CE", "NIFTY 25000 CE", {
        "segment": "NSE_FO", "underlying_symbol": "NIFTY", "underlying_key": INDEX,
        "strike_price": 25000, "expiry": 1768328999000})])
    s = await t.server({"instruments.master": master, "instruments.watch": INDEX})
    await s.live()
    d = await ask(s, "NSE_FO|7")
    assert d["code"] == "expired" and "not_subscribed" in also(d), d
    assert "expired on 2026-01-13 and stopped trading at 2026-01-13 15:30 IST" in d["sentence"], d


async def test_why_upstream(t):
    """What is wrong with the connection: no answer of the broker, 403, no token, silence."""
    s = await t.server({"upstream.stale_ms": "60000", "upstream.forbidden_retry_s": "1",
                        "token.retries": "2", "token.retry_ms": "100"})
    await s.live()
    await becomes(s, INDEX, "ok")
    await s.fault("forbidden")
    await s.fault("drop")
    d = await becomes(s, INDEX, "forbidden")
    assert d["facts"]["upstream"]["code"] == "forbidden" and "down_since" in d["facts"]["upstream"]
    await s.fault("allowed")
    await becomes(s, INDEX, "ok", 30)


async def test_why_token(t):
    s = await t.server({"token.retries": "3", "token.retry_ms": "3000"})
    await s.live()
    await s.fault("source_down")
    await s.fault("unauthorized")
    await s.fault("drop")
    d = await becomes(s, INDEX, "token_awaited")
    assert d["facts"]["upstream"]["state"] == "waiting_token", d
    d = await becomes(s, INDEX, "token_failed", 30)
    assert "beyond repair" in d["sentence"] and "no data has flowed since" in d["sentence"], d


async def test_why_upstream_silent(t):
    s = await t.server({"upstream.stale_ms": "60000"})
    await s.live()
    await s.fault("silence")
    d = await becomes(s, INDEX, "upstream_silent", 30)
    assert re.search(r"none of \d+ others", d["sentence"]), d
    assert d["facts"]["upstream"]["connected"], d
    # Market time stands still meanwhile; how long it has been quiet is not measured by it.
    assert int(d["facts"]["ticks"]["last_ms_ago"]) >= 10000, d
    assert d["facts"]["market"]["time"].startswith("2026-11-20T09:15"), d


async def test_why_upstream_down(t):
    s = await t.server({"instruments.watch": INDEX, "upstream.backoff_min_ms": "60000",
                        "upstream.backoff_max_ms": "60000"})
    await s.live()
    await s.fault("drop")
    d = await becomes(s, INDEX, "upstream_down")
    assert d["facts"]["upstream"]["state"] == "backoff", d
    assert int(d["facts"]["upstream"]["down_since_ms"]) > 0 and "no data has flowed since" in d["sentence"], d


async def test_why_recording_ended(t):
    """At the end of a recording no time of the market passes any more: that is told, not a quiet market."""
    path = data("ticks/upstox_frames_20260123_a.pbs")
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "10",
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed"})
    await s.logged("the tape has run out", 30)
    d = await becomes(s, INDEX, "recording_ended")
    assert d["facts"]["market"]["time"].startswith("2026-01-23T14:59"), d
    assert d["facts"]["upstream"]["recording_ended"] is True, d


async def test_why_no_trade(t):
    """A recording at a tenth of its speed: whoever is quiet for a second of it is for ten of ours."""
    path = data("ticks/upstox_frames_20260123_a.pbs")
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "0.1",
                        "upstream.stale_ms": "60000"})
    await s.live()

    async def one_is_quiet():
        for k in await s.quotes():
            d = await ask(s, k)
            if d["code"] == "no_trade":
                return d
        return None
    d = await until(one_is_quiet, 60, "one is quiet while others tick")
    assert int(d["facts"]["neighbours"]["ticking"]) > 0 and " others of " in d["sentence"], d
    assert int(d["facts"]["ticks"]["last_ms_ago"]) >= 10000, d


async def test_why_scope(t):
    """What the key may not see is refused whether it exists or not, and told of nowhere."""
    key = await t.key("--role", "viewer", "--name", "desk", "--scope", "NSE_EQ|*")
    s = await t.server({"auth.keys_file": os.path.join(t.folder, "var", "keys.jsonl")})
    bearer = [f"Authorization: Bearer {key}"]
    r = await s.get("/why?instrument=" + quote_key(INDEX))
    assert r.status == 401, r.body
    for text in (INDEX, "NSE_INDEX|None of this", "NSE_FO|1"):
        r = await s.get("/why?instrument=" + quote_key(text), headers=bearer)
        assert (r.status, r.error()) == (403, "not_permitted"), r.body

    async def is_ok():
        return (await ask(s, RELIANCE, headers=bearer))["code"] == "ok"
    await until(is_ok, 15, "what may be seen ticks")
    d = await ask(s, "NIFTY", headers=bearer)
    assert d["code"] == "unknown_instrument" and d["facts"]["instrument"]["nearest"] == [], d

    async def is_refused():
        r = await s.get("/why?instrument=NIFTY:current:ATM", headers=bearer)
        return r.status == 403
    await until(is_refused, 15, "a selector of nothing that may be seen")
