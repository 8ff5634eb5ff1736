# SPDX-License-Identifier: MIT
"""The instrument master as its users meet it: found, resolved, watched by selector, replaced."""
import os

from lib import quote_key, run_binary, until

RESOLVE = "/instruments/resolve?underlying="


async def test_instruments_find_and_resolve(t):
    s = await t.server()
    await s.live()
    found = (await s.get("/instruments?query=nifty&limit=2")).data()
    assert [i["key"] for i in found["instruments"]] == ["NSE_INDEX|Nifty 50", "NSE_INDEX|Nifty Bank"]
    assert int(found["total"]) > 2
    calls = (await s.get("/instruments?underlying=NIFTY&expiry=current&type=CE")).data()["instruments"]
    strikes = [int(i["strike"]) for i in calls]
    assert strikes == sorted(strikes) and len(set(i["expiry"] for i in calls)) == 1
    # The money, from the price that is served.
    at = (await s.get(RESOLVE + "Nifty+50&expiry=current&strike=ATM&type=CE")).data()
    spot = float(at["money"]["price"])
    assert at["money"]["key"] == "NSE_INDEX|Nifty 50" and int(at["money"]["age_ms"]) >= 0
    assert abs(float(at["strike"]) - spot) == min(abs(k - spot) for k in strikes), (spot, at)
    assert at["key"] in [i["key"] for i in calls] and at["lot_size"] == "65" and at["tick_size"] == "0.05"
    assert (await s.quote(at["key"]))["key"] == at["key"]
    above = (await s.get(RESOLVE + f"NIFTY&expiry={at['expiry']}&strike={strikes[1]}&type=CE")).data()
    assert above["key"] == calls[1]["key"]
    # What is not there, and what comes nearest.
    for query, status, code, nearest in (
            ("NIFTI&expiry=current&type=FUT", 404, "unknown_underlying", ["NIFTY"]),
            ("NIFTY&expiry=2020-01-01&type=CE&strike=ATM", 404, "no_expiry", [at["expiry"]]),
            (f"NIFTY&expiry=current&type=CE&strike={strikes[0] - 1}", 404, "no_strike",
             [str(k) for k in strikes[:5]])):
        r = await s.get(RESOLVE + query)
        assert (r.status, r.error()) == (status, code), (query, r.body)
        assert r.json()["error"]["nearest"] == nearest, r.body
    assert (await s.get("/instruments")).status == 400


async def test_instruments_watch_selectors(t):
    s = await t.server({"instruments.watch": "NIFTY:current:ATM+-2,NIFTY:monthly:FUT"})

    async def all_tick():
        return len(await s.quotes()) >= 12
    await until(all_tick, 15, "the underlying, ten options and the future tick")
    keys = sorted(await s.quotes())
    at = (await s.get(RESOLVE + "NIFTY&expiry=current&strike=ATM&type=PE")).data()
    assert at["key"] in keys and "NSE_INDEX|Nifty 50" in keys, keys
    future = (await s.get(RESOLVE + "NIFTY&expiry=monthly&type=FUT")).data()
    assert future["key"] in keys
    assert not [k for k in keys if k.startswith("NSE_EQ")], keys


async def test_instruments_master_is_replaced(t):
    """A damaged file leaves the old table; /health says so until SIGHUP brings a good one."""
    path = os.path.join(t.folder, "master.json")

    def write(text):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)

    def row(key):
        return '{"instrument_key":"%s","instrument_type":"EQ","trading_symbol":"%s"}' % (key, key[-1])

    async def refdata():
        return (await s.health())["modules"]["refdata"]

    async def says(text):
        return text in (await refdata())["why"]
    write(f"[{row('NSE_EQ|A')},{row('NSE_EQ|B')},{row('NSE_EQ|B')}]")
    s = await t.server({"instruments.master": path, "instruments.watch": "NSE_INDEX|Nifty 50"})
    await until(lambda: says("2 instruments of 20"), 10, "the master is there")
    assert await says("1 duplicates")
    write(f"[{row('NSE_EQ|A')},{{\"instrument_k")
    await s.reload()
    await until(lambda: says("cut off"), 10, "the damage is told")
    h = await refdata()
    assert h["status"] == "DEGRADED" and "2 instruments of 20" in h["why"], h
    assert (await s.get("/instruments?query=NSE_EQ")).data()["total"] == "2"
    write(f"[{row('NSE_EQ|C')}]")
    await s.reload()
    await until(lambda: says("1 instruments of 20"), 10, "the new table is there")
    assert (await refdata())["status"] == "UP"
    r = await s.get("/quotes/" + quote_key("NSE_EQ|A"))
    assert r.error() == "unknown_instrument"
    assert (await s.get("/quotes/" + quote_key("NSE_EQ|C"))).error() == "no_tick"


async def test_instruments_calendar_file(t):
    """The day is closed by a line of a file; a bad line keeps the server from starting."""
    path = os.path.join(t.folder, "calendar")

    def write(text):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    write("holiday 2026-11-20 declared\nholyday 2026-11-21\n")
    for args in ((), ("--check",)):
        code, out, err = await run_binary(*args, "--set", f"server.data_dir={t.folder}/v", "--set",
                                          f"calendar.file={path}", "--set", "http.listen=127.0.0.1:0",
                                          "--set", "stream.listen=127.0.0.1:0")
        assert code == 2 and f"{path}: line 2: " in err, (code, out, err)
    write("holiday 2026-11-20 declared\n")
    s = await t.server({"calendar.file": path})
    await s.live()
    # The simulated exchange begins on the next day that trades.
    assert (await s.health())["market_time"].startswith("2026-11-23T09:15"), await s.health()


async def test_instruments_by_selector(t):
    """What a selector brings on /ws is what resolve says, all strikes of an expiry are all, and an
    instrument that was asked for by its key stays when the selector goes."""
    s = await t.server()
    await s.live()
    c = await t.client(s)

    async def ask(action, *names, **more):
        r = await c.ask({"action": action, "instruments": list(names), **more})
        return {x["instrument"]: x for x in r["results"]}

    async def at_the_money():
        r = await s.get(RESOLVE + "NIFTY&expiry=current&strike=ATM&type=PE")
        return r.status == 200 and r.data()
    put = await until(at_the_money, 10, "a price of the index")
    every = "NIFTY:current:*"
    rows = (await s.get("/instruments?underlying=NIFTY&limit=1000")).data()["instruments"]
    c.wanted.update(x["key"] for x in rows)
    got = (await ask("subscribe", every, mode="ltpc"))[every]
    assert got["status"] == "subscribed" and put["key"] in got["keys"], got
    options = [x["key"] for x in rows
               if x["type"] in ("CE", "PE") and x["expiry"] == put["expiry"]]
    assert sorted(got["keys"]) == sorted(options) and len(options) > 10, (got, options)
    await c.flows()
    narrow = "nifty:current:ATM+-1"
    got = (await ask("subscribe", put["key"], narrow, mode="ltpc"))[narrow]
    assert got["status"] == "subscribed" and len(got["keys"]) == 6, got
    assert (await ask("unsubscribe", every))[every]["status"] == "unsubscribed"
    r = await c.ask({"action": "subscriptions"})
    assert r["selectors"] == [narrow], r
    assert {x["instrument"] for x in r["data"]} >= {put["key"]} and 6 <= len(r["data"]) <= 8, r
    assert (await ask("unsubscribe", narrow))[narrow]["status"] == "unsubscribed"
    r = await c.ask({"action": "subscriptions"})
    assert [x["instrument"] for x in r["data"]] == [put["key"]], r
    for name, status in (("NIFTTY:current:ATM", "unknown_underlying"),
                         ("NIFTY:2020-01-01:ATM", "no_expiry"), ("NIFTY:soon:ATM", "bad_selector")):
        assert (await ask("subscribe", name))[name]["status"] == status
