# SPDX-License-Identifier: MIT
"""What goes wrong at the broker's end: the server recovers without help, says what is the matter,
and never tells a client a price that was not sent.

The source is a recording, so that what was sent is known: every value of every quote that a client
gets has to be among the recorded ones of that instrument and member.
"""
import functools
import time

from lib import difference, loads, merge, merge_one, option_tape, until

# Long enough to look at an outage, also on a machine that is busy; and as short as it may be.
STEADY = {"upstream.backoff_min_ms": "1600", "upstream.backoff_max_ms": "1600"}
QUICK = {"upstream.backoff_min_ms": "300", "upstream.backoff_max_ms": "600"}
NOT_PRICES = {"key", "seq", "recv_ms", "change", "change_pct", "ts_ms", "stale", "suspect"}


def frozen(value):
    if isinstance(value, list):
        return tuple(frozen(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted((k, frozen(v)) for k, v in value.items()))
    return value


@functools.lru_cache(maxsize=None)
def truth():
    """(key, member) -> everything that was ever sent for it."""
    sent = {}
    for m in option_tape()[1]:
        for key, entry in m["feeds"].items():
            values = {}
            merge_one(values, entry)
            for interval, bar in values.pop("ohlc", {}).items():
                values["ohlc " + interval] = bar
            for name, value in values.items():
                sent.setdefault((key, name), set()).add(frozen(value))
    return sent


def check_truth(q):
    sent = truth()
    for name, value in q.items():
        parts = {name: value} if name != "ohlc" else {"ohlc " + i: b for i, b in value.items()}
        for part, v in parts.items():
            assert part in NOT_PRICES or frozen(v) in sent.get((q["key"], part), ()), (
                f"{q['key']} {part} = {v} was never sent")


async def playing(t, sets=None, speed="40", checks_truth=True):
    """A server that plays the recording, and a client of all its instruments."""
    path, _ = option_tape()
    keys = sorted({key for key, _ in truth()})
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": speed, **STEADY,
                        **(sets or {})})
    c = await t.client(s)
    c.on_quote = check_truth if checks_truth else None
    assert set((await c.subscribe(keys)).values()) == {"subscribed"}
    await s.live()
    await c.flows()
    return s, c, keys


def statuses_since(c, begin):
    return [m for at, m in c.statuses if at >= begin]


async def is_down(s, c, begin, upstream):
    """The client is told, REST says so, and every quote is marked stale."""
    def told():
        return any(m["stale"] and m["upstream"] in upstream and m["why"] and
                   m["source"] == c.hello["source"] for m in statuses_since(c, begin))
    await c.wait(told, 5, f"a status that says {upstream}")

    async def said():
        h, quotes = await s.health(), await s.quotes()
        return (h["status"] == "DEGRADED" and h["stale"] and
                h["why"].startswith(("feed: ", "token: ")) and
                h["modules"]["feed"]["status"] == "DEGRADED" and h["modules"]["feed"]["why"] and
                quotes and all(q["stale"] is True for q in quotes.values()))
    await until(said, 5, "REST says that quotes are stale")


async def is_live_again(s, c, begin, keys, limit=10):
    """The last word of the statuses is "live", quotes are fresh, and frames flow again."""
    def told():
        return [m["upstream"] for m in statuses_since(c, begin)[-1:]] == ["live"]
    await c.wait(told, limit, "a status that says live")
    assert statuses_since(c, begin)[-1]["stale"] is False
    await c.flows()

    async def fresh():
        quotes = await s.quotes()
        return all(quotes[k]["stale"] is False for k in keys)
    await until(fresh, 5, "all quotes are fresh")
    assert (await s.health())["status"] == "UP"


async def broken(t, kind, n=None, upstream=("backoff",), sets=None):
    """A fault that ends the connection: down, and up again by itself."""
    s, c, keys = await playing(t, sets)
    m = await s.metrics()
    begin = time.monotonic()
    await s.fault(kind, n)
    await is_down(s, c, begin, upstream)
    await is_live_again(s, c, begin, keys)
    after = await s.metrics()
    for name in ("feed_connects_total", "feed_disconnects_total"):
        if name != "feed_disconnects_total" or kind not in ("stall", "silence"):
            assert after["agnidata_" + name] == m["agnidata_" + name] + 1, name
    assert after["agnidata_feed_snapshots_total"] > m["agnidata_feed_snapshots_total"]
    return s


async def test_upstream_drop(t):
    s = await broken(t, "drop")
    await s.logged("the feed's connection broke")


async def test_upstream_close(t):
    s = await broken(t, "close", 1011)
    await s.logged("the broker closed the feed: 1011")


async def test_upstream_torn_frame(t):
    s = await broken(t, "torn")
    assert (await s.metrics())["agnidata_feed_bad_frames_total"] == 0, "half a frame was decoded"


async def test_upstream_stall(t):
    """The socket stays open and says nothing: noticed after upstream.stale_ms."""
    s = await broken(t, "stall", 60000, sets={"upstream.stale_ms": "1200"})
    await s.logged("the market is open and the feed's clock has not moved for")
    assert (await s.metrics())["agnidata_feed_stalls_total"] == 1


async def test_upstream_silence(t):
    """The same with pings that go on: liveness is the exchange's clock, not the socket."""
    await broken(t, "silence", sets={"upstream.stale_ms": "1200", "sim.ping_s": "1"})


async def test_upstream_short_stall_is_endured(t):
    """Shorter than stale_ms: the connection stays, and what was missed comes as the latest."""
    s, c, _ = await playing(t)
    begin = time.monotonic()
    await s.fault("stall", 700)
    await c.wait(lambda: c.arrivals[-1] > begin + 0.7, 5, "frames after the stall")
    await c.flows()
    m = await s.metrics()
    assert m["agnidata_feed_connects_total"] == 1 and not statuses_since(c, begin)


async def test_upstream_text_frame(t):
    """The broker sends no text: counted, and nothing else."""
    s, c, _ = await playing(t)
    await s.fault("text")
    await c.flows()
    m = await s.metrics()
    assert m["agnidata_feed_text_frames_total"] == 1 and m["agnidata_feed_connects_total"] == 1


async def test_upstream_burst_repeat_reorder(t):
    """As many as were sent arrive, whatever their order; a repeat is a tick with its own seq."""
    s, c, _ = await playing(t)
    for kind, n in (("burst", 100), ("repeat", 50), ("reorder", 50)):
        await s.fault(kind, n)
    await c.flows(100)

    async def all_arrived():
        m = await s.metrics()
        return m["agnidata_feed_frames_total"] == m["agnidata_sim_messages_total"] + 50
    await until(all_arrived, 5, "sent and received are the same number, but for 50 repeats")
    m = await s.metrics()
    assert m["agnidata_feed_ticks_total"] == m["agnidata_tape_seq"]
    assert m["agnidata_book_repeats_total"] >= 50
    assert m["agnidata_feed_bad_frames_total"] == 0 and m["agnidata_feed_connects_total"] == 1


async def test_upstream_corrupt_messages(t):
    """Flipped bytes: what does not decode is left out whole; the connection is kept. What decodes
    cannot be told from a price, so the truth is only checked after a fresh snapshot."""
    s, c, keys = await playing(t, checks_truth=False)
    begin = time.monotonic()
    await s.fault("corrupt", 100)

    async def is_over():
        return (await s.metrics())["agnidata_feed_bad_frames_total"] >= 30
    await until(is_over, 10, "messages that do not decode")
    await s.logged("does not decode and is left out")
    assert sum("is left out" in line for line in s.log) < 5, "the log is flooded"
    assert not [m for m in statuses_since(c, begin) if m["stale"]]
    await c.flows(100)
    snapshots = (await s.metrics())["agnidata_feed_snapshots_total"]
    await s.fault("drop")

    async def has_snapshot():
        return (await s.metrics())["agnidata_feed_snapshots_total"] > snapshots
    await until(has_snapshot, 5, "a snapshot replaced what was known")
    c.on_quote = lambda q: check_truth(q) if q["key"] in keys else None
    await is_live_again(s, c, begin, keys)
    for key in keys:
        q = await s.quote(key)
        del q["age_ms"], q["stale"]
        check_truth(q)


async def test_upstream_401_and_a_new_token(t):
    """401 is final: the dead token is not tried again; a new one of the token API is."""
    s, c, keys = await playing(t, {"token.poll_s": "1", "token.retry_ms": "100"})
    begin = time.monotonic()
    await s.fault("unauthorized")
    await s.fault("drop")
    await is_down(s, c, begin, ("waiting_token",))
    h = await s.health()
    assert h["has_token"] is False and h["modules"]["token"]["status"] == "DEGRADED", h
    await s.logged("still gives the token that was refused")
    # The old token is good again, and nobody told us: it stays refused.
    await s.fault("authorized")
    fetches = (await s.metrics())["agnidata_token_fetches_total"]

    async def asked_again():
        return (await s.metrics())["agnidata_token_fetches_total"] >= fetches + 1
    await until(asked_again, 5, "the token API is asked again")
    assert sum("answered 401" in line for line in s.log) == 1, "the dead token was tried again"
    await s.fault("renew")
    await is_live_again(s, c, begin, keys)
    m = await s.metrics()
    assert m["agnidata_token_generation"] == 2 and m["agnidata_token_refusals_total"] == 1


async def test_upstream_403(t):
    """403 is waited out: not tried before upstream.forbidden_retry_s, whatever the token."""
    s, c, keys = await playing(t, {"upstream.forbidden_retry_s": "6"})
    begin = time.monotonic()
    await s.fault("forbidden")
    await s.fault("drop")
    await is_down(s, c, begin, ("forbidden",))
    r = await s.get("/health")
    assert r.status == 200 and "403" in loads(r.body)["data"]["why"], r.body
    late = await t.client(s)
    assert late.statuses[0][1]["stale"] is True and late.statuses[0][1]["upstream"] == "forbidden"
    await late.subscribe(keys)
    await late.wait(lambda: len(late.state) == len(keys), 5, "the last known state")
    assert all(q["stale"] is True for q in late.state.values()), "old state that does not say so"
    await s.fault("allowed")
    await is_live_again(s, c, begin, keys)
    await late.wait(lambda: not any("stale" in q for q in late.state.values()), 5, "fresh quotes")
    assert (await s.metrics())["agnidata_sim_refused_total"] == 1, "the exchange was pestered"


async def test_upstream_faults_at_start(t):
    """A client that is there before the exchange lets us in: it hears of it when that changes."""
    path, _ = option_tape()
    s = await t.server({"sim.source": "tape", "sim.tape": path, "sim.speed": "40", **QUICK,
                        "sim.fault": "torn"})
    c = await t.client(s)
    c.on_quote = check_truth

    async def tried():
        return (await s.metrics())["agnidata_feed_disconnects_total"] >= 3
    await until(tried, 10, "three attempts")
    assert (await s.metrics())["agnidata_feed_ticks_total"] == 0
    waits = [int(line.rsplit("again in ", 1)[1].split(" ")[0]) for line in s.log
             if "again in " in line]
    assert all(100 <= w <= 600 for w in waits), waits


async def test_upstream_many_faults_to_the_end(t):
    """All of them in a row; when the recording has run out, everybody has its last state."""
    want, _ = merge(option_tape()[1])
    s, c, keys = await playing(t, {"upstream.stale_ms": "1200", **QUICK}, speed="250")
    for kind, n in (("drop", None), ("repeat", 20), ("close", 1001), ("burst", 50), ("torn", None),
                    ("text", None), ("stall", 60000), ("reorder", 20), ("drop", 100)):
        connects = (await s.metrics())["agnidata_feed_connects_total"]
        begin = time.monotonic()
        await s.fault(kind, n)
        if kind in ("drop", "close", "torn", "stall"):
            async def is_back():
                m = await s.metrics()
                return m["agnidata_feed_connects_total"] > connects and m["agnidata_feed_up"]
            await until(is_back, 10, f"up again after {kind}")
            await c.wait(lambda b=begin: any(m["stale"] for m in statuses_since(c, b)), 5,
                         f"a status that says stale after {kind}")
    await s.logged("the tape has run out", 40)

    def differs(q, key):
        # A snapshot of a late connection names its own time.
        assert int(q["ts_ms"]) >= int(want[key]["ts_ms"])
        return difference(q, dict(want[key], ts_ms=q["ts_ms"]))

    async def is_equal():
        quotes = await s.quotes()
        bad.clear()
        bad.update({k: differs(quotes[k], k) or differs(c.state[k], k) for k in keys})
        return not any(bad.values())
    bad = {}
    try:
        await until(is_equal, 5, "equal")
    except AssertionError as e:
        raise AssertionError(f"the last state differs: {bad}") from e
