# SPDX-License-Identifier: MIT
"""Redis is a subscriber: whatever happens to it, ticks go on, memory stays flat, /health says what
is wrong, and within a second of its return it holds the whole state again."""
import asyncio
import time

from lib import (FLAVOUR, LONG, SLOW, Metronome, Redis, alone, free_port, generous, loads, span,
                 until)

FLOW = {"sim.speed": "80"}  # about 4,000 ticks a second
PAUSE_S = 0.1               # the longest additional pause at a client
RETURN_S = 1.0              # until Redis holds the whole state
GROWTH = 4 << 20            # bytes


async def flowing(t, redis_url, sets=None):
    """A server under flow, a client with all instruments."""
    s = await t.server({**FLOW, "redis.url": redis_url, **(sets or {})})
    await s.live()
    c = await t.client(s)
    keys = list(await s.quotes())
    assert set((await c.subscribe(keys)).values()) == {"subscribed"}
    await c.flows()
    return s, c, keys


async def holds_everything(redis, s, begin):
    """Within a second of `begin` Redis has every key, as new as /quotes was then."""
    metronome = Metronome(s, redis)
    then = {k: int(q["seq"]) for k, q in (await s.quotes()).items()}

    async def is_there():
        cached = await redis.quotes(list(then))
        return all(q and int(q["seq"]) >= then[k] for k, q in cached.items())
    await until(is_there, 10, "Redis holds the whole state")
    took = metronome.took(begin)
    metronome.stop()
    metronome.demand(took <= RETURN_S * SLOW, begin,
                     f"Redis was complete only {took:.2f} s after its return")


async def is_equal(redis, s):
    """The market stands still for a moment: Redis and /quotes agree in every member."""
    await s.fault("stall", 12000)

    async def is_quiet():
        before = (await s.metrics())["agnidata_feed_ticks_total"]
        await asyncio.sleep(0.1)
        m = await s.metrics()
        return m["agnidata_feed_ticks_total"] == before and m["agnidata_store_dirty"] == 0
    await until(is_quiet, 3, "the market stands still")
    listed = await s.quotes()
    cached = await redis.quotes(list(listed))
    for key, q in listed.items():
        del q["age_ms"], q["stale"]
        assert cached[key] == q, f"{key}: {cached[key]} in Redis, {q} in /quotes"


async def degraded(s, *words):
    """/health is 200 DEGRADED, and the store says why."""
    async def look():
        r = await s.get("/health")
        h = loads(r.body)["data"]
        assert r.status == 200, r.status
        why = h["modules"]["store"]["why"]
        return h["status"] == "DEGRADED" and h["why"] == "store: " + why and all(
            w in why for w in words) and why
    return await until(look, 8, f"/health is DEGRADED: {words}")


async def recovered(s):
    async def look():
        return (await s.health())["status"] == "UP"
    await until(look, 5, "/health is UP again")


class Outage:
    """Measures a client's rhythm and the server's memory before and during an outage."""

    def __init__(self, s, c):
        self.s, self.c, self.metronome = s, c, Metronome(s)

    async def before(self):
        self.calm = self.metronome.worst_pause(self.c, *await span(2.5, self.c.check))
        self.rss = (await self.s.metrics())["process_resident_memory_bytes"]
        self.frames, self.begin = self.c.frames, time.monotonic()

    async def after(self, what):
        """Called when Redis has been back for a moment: the return must not cause a pause."""
        end = time.monotonic()
        rss = (await self.s.metrics())["process_resident_memory_bytes"]
        gap = self.metronome.worst_pause(self.c, self.begin, end)
        self.metronome.stop()
        self.c.check()
        self.metronome.demand(
            gap <= self.calm + PAUSE_S * SLOW, self.begin,
            f"{what}: a pause of {gap * 1000:.0f} ms at the client, before "
            f"{self.calm * 1000:.0f} ms")
        assert self.c.frames - self.frames > (end - self.begin) * 5, "the flow became thin"
        assert FLAVOUR != "release" or rss - self.rss <= GROWTH, (
            f"{what}: memory grew by {(rss - self.rss) / 1e6:.1f} MB")


async def stopped(t, seconds, sets=None):
    redis = await t.redis()
    s, c, _ = await flowing(t, redis.url, sets)
    outage = Outage(s, c)
    await outage.before()
    redis.pause()
    begin = time.monotonic()
    await degraded(s, "does not answer since", "ticks go on without it")
    await span(seconds - (time.monotonic() - begin), c.check)
    await degraded(s, "since")
    redis.resume()
    await holds_everything(redis, s, time.monotonic())
    await outage.after("Redis stopped")
    await recovered(s)
    await is_equal(redis, s)


async def killed(t, seconds):
    redis = await t.redis()
    s, c, keys = await flowing(t, redis.url)
    outage = Outage(s, c)
    await outage.before()
    begin = time.monotonic()
    await redis.kill()
    await degraded(s, "is away since")
    await span(seconds - (time.monotonic() - begin), c.check)
    await redis.start()
    await holds_everything(redis, s, time.monotonic())
    await outage.after("Redis killed")
    await recovered(s)
    await is_equal(redis, s)
    index = {k.decode() for k in await redis.cmd("SMEMBERS", "agni-sim:index:quotes")}
    assert index == set(keys)
    assert (await s.metrics())["agnidata_store_reconnects_total"] == 1


@alone
async def test_redis_stopped(t):
    await stopped(t, 60 if LONG else 6)


@alone
async def test_redis_stopped_and_given_up(t):
    """The silence outlasts redis.give_up_ms: the connection is made anew, and the old one's
    commands do not come over newer state."""
    await stopped(t, 5, {"redis.give_up_ms": "1500"})


@alone
async def test_redis_killed(t):
    await killed(t, 60 if LONG else 4)


async def test_redis_returns_to_a_quiet_market(t):
    """Nothing ticks when it comes back, empty: the state that nobody sends again is all there."""
    redis = await t.redis()
    s, _, _ = await flowing(t, redis.url)
    await s.fault("stall", 10000)
    await redis.kill()
    await degraded(s, "is away since")
    await redis.start()
    await holds_everything(redis, s, time.monotonic())
    await is_equal(redis, s)


async def test_redis_absent_at_start(t):
    redis = Redis(t)
    t.redises.append(redis)
    s, c, _ = await flowing(t, redis.url)
    m = await s.logged(r"no Redis at 127.0.0.1:(\d+): going on without it "
                       r"\(to add one: apt-get install redis-server; or set redis.url\)")
    assert int(m[1]) == redis.port
    await degraded(s, "is away since", "connection refused")
    await redis.start()
    await holds_everything(redis, s, time.monotonic())
    await recovered(s)
    await c.flows()
    assert sum("no Redis at" in line for line in s.log) == 1, "the line is repeated"


async def errors(t, redis, sick, words, cure, url=None):
    """Redis answers errors, by itself or after the commands `sick`; after `cure` it is complete."""
    s, c, _ = await flowing(t, url or redis.url)
    if sick:
        await redis.cmds(*sick)
    await degraded(s, *words)
    m = await s.metrics()
    assert m["agnidata_store_errors_total"] > 0
    rss = m["process_resident_memory_bytes"]
    metronome = Metronome(s)
    begin, end = await span(1.5, c.check)
    metronome.stop()
    metronome.demand(metronome.worst_pause(c, begin, end) < 0.5 * SLOW, begin,
                     "errors of Redis delay a client")
    m = await s.metrics()
    assert FLAVOUR != "release" or m["process_resident_memory_bytes"] - rss <= GROWTH
    assert sum("Redis at" in line for line in s.log) < 10, "the log is flooded"
    for reply in await redis.cmds(*cure):
        assert reply == "OK", reply
    redis.password = ""
    await holds_everything(redis, s, time.monotonic())
    await recovered(s)
    await c.flows()
    return s


async def test_redis_out_of_memory(t):
    redis = await t.redis("--maxmemory", "1", "--maxmemory-policy", "noeviction")
    s = await errors(t, redis, (), ("answers errors", "OOM"), [("CONFIG", "SET", "maxmemory", "0")])
    assert (await s.metrics())["agnidata_store_errors_oom_total"] > 0


async def test_redis_read_only(t):
    redis = await t.redis()
    s = await errors(t, redis, [("REPLICAOF", "127.0.0.1", free_port())],
                     ("answers errors", "READONLY"), [("REPLICAOF", "NO", "ONE")])
    assert (await s.metrics())["agnidata_store_errors_readonly_total"] > 0


async def test_redis_wants_a_password(t):
    redis = await t.redis("--requirepass", "secret")
    redis.password = "secret"
    without = f"redis://127.0.0.1:{redis.port}/0"
    s = await errors(t, redis, (), ("answers errors", "NOAUTH"),
                     [("CONFIG", "SET", "requirepass", "")], without)
    assert (await s.metrics())["agnidata_store_errors_auth_total"] > 0


async def test_redis_password_and_database(t):
    """The password of the URL is used, the database too, and neither log nor REST shows it."""
    redis = await t.redis("--requirepass", "secret+1")
    redis.password = "secret+1"
    s, _, keys = await flowing(t, f"redis://:secret%2B1@127.0.0.1:{redis.port}/3")
    await s.logged("is connected")
    await recovered(s)

    async def is_written():
        size = (await redis.cmds(("SELECT", "3"), ("DBSIZE",)))[1]
        return size - len(keys) in (2, 3)  # the index, the sealed token, and soon the status
    await until(is_written, 5, "database 3 holds the state")
    assert await redis.cmd("DBSIZE") == 0
    shown = [*s.log, *[str((await s.get(path)).body) for path in ("/health", "/metrics")]]
    assert "secret" not in "".join(shown)


async def test_redis_keys_live_and_die(t):
    """A quiet instrument's key is renewed while the feed is alive, and dies with it."""
    redis = await t.redis()
    # After the close nothing ticks, and the feed is alive.
    s = await t.server({"redis.url": redis.url, "redis.ttl_s": "4", "sim.speed": "1",
                        "instruments.watch": "NSE_EQ|INE467B01029"})
    await s.live()
    key = "agni-sim:quote:{NSE_EQ|INE467B01029}"
    await until(lambda: redis.cmd("EXISTS", key), 5, "the key exists")
    await s.fault("stall", 60000)
    before = loads(await redis.cmd("GET", key))["seq"]
    alive = time.monotonic()
    while time.monotonic() < alive + 6:  # a life and a half
        ttl = await redis.cmd("PTTL", key)
        assert ttl > 0, f"a key of a feed that is alive has died ({ttl})"
        assert ttl <= 4000
        await asyncio.sleep(0.05)
    after = loads(await redis.cmd("GET", key))["seq"]
    assert int(after) <= int(before) + 5, "it was meant to be quiet"
    await s.fault("forbidden")
    await s.fault("drop")

    async def is_dead():
        return await redis.cmd("EXISTS", key) == 0
    await until(is_dead, 6, "the key of a dead feed dies")


async def test_redis_channel(t):
    """A subscriber of the ticks channel: JSON, each tick in order, and never behind the keys."""
    redis = await t.redis()
    s, _, keys = await flowing(t, redis.url)
    reader, writer = await asyncio.open_connection("127.0.0.1", redis.port)
    writer.write(b"SUBSCRIBE agni-sim:ticks\r\n")
    assert (await redis._reply(reader))[0] == b"subscribe"
    newest, seen = {}, 0
    for _ in range(200):
        kind, channel, text = await asyncio.wait_for(redis._reply(reader), generous(5))
        assert (kind, channel) == (b"message", b"agni-sim:ticks")
        m = loads(text)
        assert m["type"] == "market_data"
        assert int(m["seq"]) == max(int(q["seq"]) for q in m["data"])
        for q in m["data"]:
            assert int(q["seq"]) > newest.get(q["key"], 0), "a tick was published twice"
            newest[q["key"]] = int(q["seq"])
            seen += 1
    writer.close()
    assert seen > 1000 and set(newest) == set(keys)
    cached = await redis.quotes(keys)
    assert all(int(cached[k]["seq"]) >= n for k, n in newest.items())
