# SPDX-License-Identifier: MIT
"""It stops as well as it starts: whatever is under way, SIGTERM ends in exit 0 within two seconds,
with a close frame for every client, the last values in Redis, and no handle left."""
import asyncio
import os
import shutil
import signal
import time

from lib import FLAVOUR, LONG, SLOW, Metronome, Skip, alone, loads, until

STOP_S = 2.0


async def crowd(t, s, n, keys):
    """`n` clients of all instruments that count what comes, and do not look at it."""
    clients = []
    for _ in range(n):
        c = await t.client(s)
        await c.subscribe(keys)
        c.is_idle = True
        clients.append(c)
    return clients


async def stops(s, signal_number=signal.SIGTERM):
    """One signal, and a clean end in time. Returns what judges the rest of it: demand(is_met, text)
    of the time of the stop."""
    metronome, begin = Metronome(s), time.monotonic()
    s.process.send_signal(signal_number)
    await s.ended()
    took = metronome.took(begin)
    metronome.stop()
    s.check()
    metronome.demand(took < STOP_S * SLOW, begin, f"the stop took {took:.2f} s")
    return lambda is_met, text: metronome.demand(is_met, begin, text)


async def all_said_goodbye(clients, demand):
    """Who did not read for two seconds is cut; that may be us, on a machine that is busy."""
    await until(lambda: all(c.closed is not None for c in clients), 3, "every client is closed")
    codes = {c.closed for c in clients}
    demand(codes == {1001}, f"close codes {codes}")


@alone
async def test_shutdown_under_load(t):
    """A hundred clients, Redis, REST connections idle and half-way through a request."""
    redis = await t.redis()
    s = await t.server({"sim.speed": "20", "redis.url": redis.url})
    await s.live()
    keys = list(await s.quotes())
    clients = await crowd(t, s, 100 if FLAVOUR == "release" else 30, keys)
    reader = await t.client(s)
    await reader.subscribe(keys)
    await reader.flows()
    half = [await asyncio.open_connection(*s.http) for _ in range(4)]
    for (_, writer), text in zip(half, (b"", b"GET /heal", b"GET /quotes HTTP/1.1\r\nHost: ",
                                        b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
                                        b"Content-Length: 10\r\n\r\n12")):
        writer.write(text)
    await all_said_goodbye(clients + [reader], await stops(s))
    assert reader.reason == "the server is stopping"
    # The feed fell silent first: clients and Redis end with the same ticks.
    cached = await redis.quotes(keys)
    for key in keys:
        assert cached[key] == reader.state[key], f"{key}: {cached[key]}, {reader.state[key]}"
    for _, writer in half:
        writer.close()


async def test_shutdown_with_a_drain(t):
    """Told first and served on, while nobody new comes in; over when the last has left."""
    s = await t.server({"sim.speed": "20", "server.drain_ms": "60000"})
    await s.live()
    keys = list(await s.quotes())
    c = await t.client(s)
    await c.subscribe(keys)
    await c.flows()
    s.process.send_signal(signal.SIGTERM)
    await c.wait(lambda: any(r["type"] == "stopping" for r in c.replies), 5, "the notice")
    await c.flows()
    status = 0
    try:
        await t.client(s)
    except Exception as e:  # of the library's version
        status = getattr(getattr(e, "response", e), "status_code", 0)
    assert status == 503, status
    await c.close()
    await s.ended()
    s.check()


async def test_shutdown_by_sigint(t):
    s = await t.server()
    await s.live()
    await stops(s, signal.SIGINT)


async def test_shutdown_with_clients_that_never_read(t):
    """Their sockets are full; nobody can be told, and nobody is waited for."""
    s = await t.server({"sim.speed": "100", "stream.sndbuf_bytes": "8192"})
    await s.live()
    keys = list(await s.quotes())
    for _ in range(5):
        t.deaf_client(s, keys)
    good = await t.client(s)
    await good.subscribe(keys)

    async def are_full():
        return (await s.metrics())["agnidata_stream_full_total"] >= 5
    await until(are_full, 15, "five full sockets")
    await all_said_goodbye([good], await stops(s))


async def test_shutdown_with_redis_that_sleeps(t):
    redis = await t.redis()
    s = await t.server({"sim.speed": "20", "redis.url": redis.url})
    await s.live()
    c = await t.client(s)
    await c.subscribe(list(await s.quotes()))
    await c.flows()
    redis.pause()
    await c.flows()
    await all_said_goodbye([c], await stops(s))


async def test_shutdown_second_signal(t):
    """Somebody is in a hurry: the second signal ends it at once, with exit code 1."""
    s = await t.server({"sim.speed": "100", "stream.sndbuf_bytes": "8192"})
    await s.live()
    t.deaf_client(s, list(await s.quotes()))

    async def is_full():
        return (await s.metrics())["agnidata_stream_full_total"] >= 1
    await until(is_full, 15, "a full socket, so that the stop takes a while")
    s.process.send_signal(signal.SIGTERM)
    await s.logged("SIGTERM: stopping")
    metronome, begin = Metronome(s), time.monotonic()
    s.process.send_signal(signal.SIGTERM)
    await s.ended()
    took = metronome.took(begin)
    metronome.stop()
    metronome.demand(took < 0.5 * SLOW, begin, f"the second signal took {took:.2f} s")
    s.check(code=1, may_leak=True)
    assert s.find("a second signal: ending at once") and not s.find("uv_loop_close")


async def silent_listener(answers):
    """A port that accepts, says that the token is good so many times, and then never a word."""
    accepted = []
    good = b'{"status":"success","data":{}}'

    async def on_connect(reader, writer):
        nonlocal answers
        head = await reader.readuntil(b"\r\n\r\n")
        if b"holidays" in head.split(b"\r\n")[0]:
            writer.close()  # asked for at the same time, by another part of the server
            return
        answers -= 1
        if answers < 0:
            accepted.append(writer)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(good), good))
        writer.close()
    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], accepted


async def test_shutdown_while_connecting(t):
    """To a broker that does not answer: while the token is being proved, while authorizing, and in
    the feed's handshake."""
    for answers, feed_url, state in ((0, "", "waiting_token"), (1, "", "authorizing"),
                                     (1, "ws://127.0.0.1:%d/x", "connecting")):
        server, port, accepted = await silent_listener(answers)
        s = await t.server({"upstream.mode": "upstox", "token.access_token": "abc",
                            "upstream.feed_url": feed_url % port if feed_url else "",
                            "upstream.api_url": f"http://127.0.0.1:{port}"})
        await until(lambda: accepted, 10, "the server connects")
        assert (await s.health())["upstream"] == state
        await stops(s)
        for writer in accepted:
            writer.close()
        server.close()


async def test_shutdown_at_any_moment_of_the_start(t):
    """The signal comes with each of the first lines of the log."""
    s = await t.server()
    await s.live()
    lines = [line.split(" ", 1)[1] for line in s.log]
    await stops(s)
    for i in range(0, len(lines), 3):
        s = await t.launch()
        await until(lambda n=i: len(s.log) > n or s.reading.done(), 10, f"line {i} of the log")
        await stops(s)


async def test_shutdown_under_valgrind(t):
    """The same under load, counted by valgrind: no leak, no error."""
    if not (os.environ.get("AGNI_VALGRIND") == "1" or LONG):
        raise Skip("AGNI_VALGRIND=1 runs it")
    if not shutil.which("valgrind") or FLAVOUR != "release":
        raise Skip("valgrind is not installed, or the binary is built with sanitizers")
    redis = await t.redis()
    s = await t.launch({"sim.speed": "3", "redis.url": redis.url, "server.stop_ms": "30000",
                        "upstream.connect_timeout_ms": "10000", "token.timeout_ms": "30000"},
                       wrap=["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=all",
                             "--errors-for-leak-kinds=definite,indirect,possible",
                             "--error-exitcode=99"])
    await s.await_up(60)
    await s.live(60)
    keys = list(await s.quotes())
    clients = await crowd(t, s, 5, keys)
    assert loads((await s.get("/metrics/nothing", limit=20)).body)["status"] == "error"
    await s.fault("drop")
    connects = "agnidata_feed_connects_total"
    await until(lambda: _is(s, connects, 2), 60, "connected again")
    await s.live(60)
    metronome, begin = Metronome(s), time.monotonic()
    s.process.send_signal(signal.SIGTERM)
    await s.ended(60)
    metronome.stop()
    s.check()
    assert not s.find(r"^==\d+==.*(lost|Invalid|uninitialised)"), "valgrind has something to say"
    await all_said_goodbye(clients, lambda ok, text: metronome.demand(ok, begin, text))


async def _is(s, name, value):
    return (await s.metrics())[name] >= value


test_shutdown_under_load.limit = 150
test_shutdown_under_valgrind.limit = 240
