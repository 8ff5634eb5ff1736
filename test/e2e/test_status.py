# SPDX-License-Identifier: MIT
"""What the server says of itself in Redis, for a monitor on any machine: the status and the clients;
no secret in it, deleted at a clean stop, dead soon after a kill."""
import json

from lib import until

MEMBERS = {"service", "status", "code", "why", "version", "source", "started", "started_ms", "now",
           "now_ms", "market_time", "market_phase", "session_open", "epoch", "seq", "ticks",
           "instruments", "clients", "rss_bytes", "uptime_s", "upstream", "token", "modules"}


async def document(redis, name):
    text = await redis.cmd("GET", name)
    return text and json.loads(text)


async def status(redis, claim, what):
    async def look():
        d = await document(redis, "agni-sim:status")
        return d and claim(d) and d
    return await until(look, 10, f"the status in Redis: {what}")


async def test_status_document(t):
    redis = await t.redis()
    await redis.cmd("CONFIG", "SET", "requirepass", "redis-secret-7")
    redis.password = "redis-secret-7"
    s = await t.server({"redis.url": redis.url})
    await s.live()
    d = await status(redis, lambda d: d["status"] == "UP" and d["ticks"] > 0, "UP, with ticks")
    assert set(d) == MEMBERS, set(d) ^ MEMBERS
    h = await s.health()
    for name in ("service", "status", "source", "epoch", "market_phase", "why"):
        assert d[name] == h[name], name
    assert d["upstream"]["state"] == h["upstream"] == "live"
    assert d["upstream"]["is_live"] and d["upstream"]["since_ms"] > d["started_ms"] - 1000
    assert d["token"]["has_token"] and d["token"]["state"] == "READY"
    assert set(d["modules"]) == set(h["modules"])
    assert 1 << 20 < d["rss_bytes"] < 1 << 30
    assert d["seq"] >= d["ticks"] > 0 and d["instruments"] == int(h["instruments"])
    text = (await redis.cmd("GET", "agni-sim:status")).decode()
    for secret in ("redis-secret-7", "agnidata001", "fingerprint", "Bearer"):
        assert secret not in text, secret
    first = d["now_ms"]
    await status(redis, lambda d: d["now_ms"] > first, "it is renewed")
    c = await t.client(s)
    await c.subscribe(["NSE_INDEX|Nifty 50"])
    await status(redis, lambda d: d["clients"] == 1, "a client")

    async def told():
        ids = await redis.cmd("SMEMBERS", "agni-sim:index:clients")
        doc = ids and await document(redis, "agni-sim:client:{%s}" % ids[0].decode())
        return doc and doc["subscriptions"] == 1 and doc
    doc = await until(told, 10, "the client is told of")
    listed = (await s.get("/clients")).data()["clients"][0]
    assert set(doc) == set(listed) and doc["id"] == listed["id"] and doc["key"] == listed["key"]
    for kind in ("source_down", "unauthorized", "drop"):
        await s.fault(kind)
    await status(redis, lambda d: d["status"] != "UP" and not d["upstream"]["is_live"],
                 "the upstream is away")
    await s.stop()
    for name in ("agni-sim:status", "agni-sim:index:clients", "agni-sim:client:{%s}" % doc["id"]):
        assert await redis.cmd("EXISTS", name) == 0, name


async def test_killed_server_dies_in_redis_too(t):
    redis = await t.redis()
    s = await t.server({"redis.url": redis.url, "redis.ttl_s": "2"})
    await s.live()
    await t.client(s)
    await status(redis, lambda d: d["clients"] == 1, "a client")
    s.process.kill()
    s.is_checked = True
    await s.ended()

    async def is_gone():
        return await redis.cmd("EXISTS", "agni-sim:status") == 0
    await until(is_gone, 10, "the status of a killed server dies")
