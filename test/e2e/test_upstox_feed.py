# SPDX-License-Identifier: MIT
"""The feed in the broker's own protocol: what comes out here is what the broker would have sent."""
import asyncio
import re

from feed import PATH, Feed, authorize, sim_token, split
from lib import START_DELAY_MS, data, generous, http, parse_replies, read_jsonl, upgrade

NIFTY = "NSE_INDEX|Nifty 50"
PLUS = {"upstream.full_d30_max": "50", "upstream.full_d30_mixed_max": "1500"}


def keys_of(messages):
    return sorted({k for m in messages for k in m.get("feeds", {})})


async def both(t, tape, wishes, sets=None):
    """Plays a tape to a client of the simulated broker and to one of ours for each of `wishes`, which
    are lists of (keys, mode): the pairs of clients, when all is out."""
    s = await t.server({"sim.source": "tape", "sim.tape": tape, "sim.speed": "max",
                        "sim.start_delay_ms": START_DELAY_MS, "server.clock": "feed",
                        "sim.connections_max": "20", "sim.plus": "on", **PLUS,
                        "stream.feed_hold_ms": "0", **(sets or {})})
    await s.logged("-> subscribing: connected")
    token, pairs = await sim_token(s), []
    for wish in wishes:
        address, path = await authorize(s.sim, token)
        direct = await Feed().open(address, path)
        here = await Feed().open(s.ws)
        for client in (direct, here):
            for keys, mode in wish:
                await client.ask("sub", keys, mode)
        pairs.append((direct, here))
    assert not s.find("the tape begins to play"), "the tape began before the clients were there"
    await s.logged("the tape has run out", 60)
    for direct, here in pairs:
        await direct.wait(lambda c=direct: has_closed(c), 10, "the end of the tape, there")
        await here.wait(lambda a=direct, c=here: has_closed(c) and
                        len(c.messages) >= len(a.messages), 10, "the end of the tape, here")
    return s, pairs


def has_closed(client):
    """The broker's last word: a market_info says that the market has closed."""
    return any("3" in m.get("marketInfo", {}).get("segmentStatus", {}).values()
               for m in client.messages)


def without_padding(m):
    """A bar without an interval says nothing, and is not passed on."""
    if isinstance(m, dict):
        return {k: without_padding(v) for k, v in m.items()}
    return [without_padding(v) for v in m if v] if isinstance(m, list) else m


def compare(direct, here, what):
    assert len(direct.messages) == len(here.messages), \
        f"{what}: {len(direct.messages)} messages there, {len(here.messages)} here"
    for i, (want, have) in enumerate(zip(direct.messages, here.messages)):
        if what == "misc":
            want = without_padding(want)
        assert want == have, f"{what}: message {i}: there {want}, here {have}"
        assert list(want.get("feeds", {})) == list(have.get("feeds", {})), f"{what}: the order"


async def test_upstox_feed_equals_the_broker(t):
    """Recorded messages, in each mode and mixed: message for message what the broker sends."""
    recorded = list(read_jsonl(data("ticks/upstox_frames_20260123_a.jsonl.gz")))
    keys = keys_of(recorded)
    wishes = [[(keys, m)] for m in ("ltpc", "option_greeks", "full", "full_d30")]
    wishes.append([(keys[:9], "ltpc"), (keys[9:20], "full"), (keys[20:22], "option_greeks")])
    wishes.append([(keys[3:4], "full")])
    wishes.append([(keys, "full")])  # the same as another: one view
    s, pairs = await both(t, data("ticks/upstox_frames_20260123_a.pbs"), wishes)
    for wish, (direct, here) in zip(wishes, pairs):
        compare(direct, here, [(len(k), m) for k, m in wish])
    assert [m["currentTs"] for m in pairs[2][1].data()] == [m["currentTs"] for m in recorded]
    assert len(pairs[2][1].feeds()) == 612
    m = await s.metrics()
    assert m["agnidata_feed_connects_total"] == 1 and m["agnidata_stream_feed_clients"] == 7
    assert m["agnidata_stream_feed_views"] == 6 and m["agnidata_stream_feed_conflated_total"] == 0


async def test_upstox_feed_market_info(t):
    """An unknown segment, a market_info within the recording, a currentTs that goes back."""
    recorded = list(read_jsonl(data("ticks/upstox_frames_misc.jsonl.gz")))
    _, pairs = await both(t, data("ticks/upstox_frames_misc.pbs"),
                          [[(keys_of(recorded), "full")]])
    compare(*pairs[0], "misc")


async def test_upstox_feed_behind_the_disk(t):
    """tape.sync=turn: ticks are shown when they are on the disk, in the same messages."""
    recorded = list(read_jsonl(data("ticks/upstox_frames_20260123_a.jsonl.gz")))
    _, pairs = await both(t, data("ticks/upstox_frames_20260123_a.pbs"),
                          [[(keys_of(recorded), "full")]], {"tape.sync": "turn"})
    direct, here = pairs[0]
    assert direct.data() == here.data()


async def test_upstox_feed_market_info_behind_the_disk(t):
    """A market_info does not overtake the ticks that wait for the disk."""
    recorded = list(read_jsonl(data("ticks/upstox_frames_misc.jsonl.gz")))
    _, pairs = await both(t, data("ticks/upstox_frames_misc.pbs"),
                          [[(keys_of(recorded), "full")]], {"tape.sync": "turn"})
    compare(*pairs[0], "misc")


async def knock(address, path, **headers):
    """The answer to an upgrade request that is not let in."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(upgrade(path, **headers))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), generous(10))
        size = int(re.search(rb"Content-Length: (\d+)", head)[1])
        r, = parse_replies(head + await asyncio.wait_for(reader.readexactly(size), generous(10)))
    finally:
        writer.close()
    return r


async def gets_ticks(address, path):
    f = await Feed().open(address, path)
    await f.ask("sub", [NIFTY], "full")
    await f.wait(lambda: f.feeds(), 10, "ticks")
    await f.close()


async def test_upstox_feed_one_use_addresses(t):
    """authorize on both listeners, and the redirect of http.listen, with an upgrade and without: each
    address works once."""
    key = await t.key("--role", "viewer", "--name", "desk")
    s = await t.server({"stream.feed_hold_ms": "0"})
    await s.logged("-> live: data flows")
    bearer = f"Authorization: Bearer {key}"
    plain = await http(s.http, PATH, headers=(bearer,))
    upgraded = await knock(s.http, PATH, Authorization=f"Bearer {key}")
    assert plain.status == upgraded.status == 302, (plain.status, upgraded.status)
    given = [await authorize(s.http, key), await authorize(s.ws, key),
             split(plain.headers["location"]), split(upgraded.headers["location"])]
    for address, path in given:
        assert address == s.ws and path.startswith(PATH + "?requestId="), (address, path)
        await gets_ticks(address, path)
        r = await knock(address, path)
        assert (r.status, r.error()) == (401, "UDAPI100050"), r.body
    assert len({path for _, path in given}) == 4
    for address in (s.http, s.ws):
        for headers in ((), ("Authorization: Bearer eyJ0eXAiOiJKV1Qi",)):
            r = await http(address, PATH + "/authorize", headers=headers)
            assert (r.status, r.error()) == (401, "UDAPI100050"), r.body
    assert (await http(s.http, PATH)).status == 401
