#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""soak: the long forms, for an evening and not for the gate.

    soak.py [MINUTES] [SEED]    (10 minutes, seed 1)

Redis stopped for 60 s and killed for 60 s under flow, as in the gate but longer; the server killed
200 times under 20,000 ticks a second with clients that resume; then MINUTES of the synthetic market with 50 clients (some check every frame, most only read, some never read, some
come and go), while faults of every kind are thrown at the feed and at Redis. Memory and
descriptors have to stay flat and every client's invariants have to hold. Prints a line every 10 s,
a summary, and ends with exit code 0 or 1. AGNIDATA names the binary.
"""
import asyncio
import os
import random
import statistics
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "e2e"))

try:
    import lib
except ModuleNotFoundError:
    if sys.executable != "/usr/bin/python3" and "AGNI_E2E_AGAIN" not in os.environ:
        os.environ["AGNI_E2E_AGAIN"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    raise
import test_redis_outage
import test_tape

CHECKERS, READERS, DEAF, GUESTS = 2, 38, 5, 5
RSS_GROWTH = 6 << 20
SETS = {"sim.speed": "20", "upstream.stale_ms": "1500", "upstream.backoff_min_ms": "50",
        "upstream.backoff_max_ms": "1000", "upstream.forbidden_retry_s": "2", "token.poll_s": "1",
        "stream.stall_ms": "5000", "stream.sndbuf_bytes": "16384"}
# Each is given to the exchange; where two stand, the second ends the first some seconds later.
FAULTS = [(("drop", None),), (("close", 1001),), (("close", 1011),), (("torn", None),),
          (("stall", 1000),), (("stall", 60000),), (("silence", None),), (("corrupt", 3),),
          (("burst", 200),), (("repeat", 50),), (("reorder", 50),), (("text", None),),
          (("forbidden", None), ("drop", None), ("allowed", None)),
          (("unauthorized", None), ("drop", None), ("renew", None))]


class Soak:
    def __init__(self, t, minutes, seed):
        self.t, self.end, self.rng = t, time.monotonic() + minutes * 60, random.Random(seed)
        self.samples, self.faults, self.visits = [], 0, 0

    def is_on(self):
        return time.monotonic() < self.end

    async def setup(self):
        self.redis = await self.t.redis()
        self.s = await self.t.server({**SETS, "redis.url": self.redis.url})
        await self.s.live()
        self.keys = list(await self.s.quotes())
        self.checkers = [await self.t.client(self.s) for _ in range(CHECKERS)]
        readers = [await self.t.client(self.s) for _ in range(READERS)]
        for c in self.checkers:
            await c.subscribe(self.keys)
        for i, c in enumerate(readers):
            await c.subscribe(self.keys, ("ltpc", "option_greeks", "full")[i % 3])
            c.is_idle = True
        self.readers = readers
        for _ in range(DEAF):
            self.t.deaf_client(self.s, self.keys)

    async def throw(self):
        """Faults at the feed."""
        while self.is_on():
            await asyncio.sleep(self.rng.uniform(1, 5))
            for kind, n in self.rng.choice(FAULTS):
                if kind in ("allowed", "renew"):
                    await asyncio.sleep(self.rng.uniform(0.5, 3))
                await self.s.fault(kind, n)
                self.faults += 1

    async def shake_redis(self):
        """Redis sleeps, or dies and comes back."""
        while self.is_on():
            await asyncio.sleep(self.rng.uniform(5, 20))
            if self.rng.random() < 0.6:
                self.redis.pause()
                await asyncio.sleep(self.rng.uniform(0.2, 15))
                self.redis.resume()
            else:
                await self.redis.kill()
                await asyncio.sleep(self.rng.uniform(0.2, 5))
                await self.redis.start()
            self.faults += 1

    async def guests(self):
        """Clients that come, subscribe, look around and leave; the deaf are replaced when they
        have been closed."""
        while self.is_on():
            guests = [lib.Client("guest") for _ in range(GUESTS)]
            for g in guests:
                await g.open(self.s.ws)
                await g.subscribe(self.rng.sample(self.keys, 10))
            await asyncio.sleep(self.rng.uniform(0.5, 3))
            for g in guests:
                g.check()
                if self.rng.random() < 0.5:
                    await g.close()
                else:
                    g.ws.transport.abort()
                    g.reading.cancel()
            self.visits += GUESTS
            while len(self.t.deaf) > DEAF:
                self.t.deaf.pop(0).close()
            if self.rng.random() < 0.3:
                self.t.deaf_client(self.s, self.keys)

    def clients_are_well(self):
        for c in self.checkers + self.readers:
            c.check()
            assert c.closed is None, f"client {c.name} was closed: {c.closed} {c.reason}"

    async def watch(self):
        """Memory and descriptors, every two seconds."""
        told = time.monotonic()
        while self.is_on():
            await asyncio.sleep(2)
            m = await self.s.metrics()
            self.clients_are_well()
            self.samples.append((m["process_resident_memory_bytes"], m["process_open_fds"]))
            if time.monotonic() - told >= 10:
                told += 10
                print(f"{max(0, self.end - told):5.0f} s left: rss "
                      f"{m['process_resident_memory_bytes'] / 1e6:.1f} MB, fds "
                      f"{m['process_open_fds']:.0f}, ticks {m['agnidata_feed_ticks_total']:.0f}, "
                      f"connects {m['agnidata_feed_connects_total']:.0f}, stalled clients "
                      f"{m['agnidata_stream_stalled_total']:.0f}, faults {self.faults}", flush=True)

    async def calm(self):
        """All faults are over: everything is as it should be, within some seconds."""
        if self.redis.process.returncode is None:
            self.redis.resume()
        else:
            await self.redis.start()
        for kind in ("allowed", "renew", "drop"):
            await self.s.fault(kind)

        async def is_up():
            h = await self.s.health()
            return h["status"] == "UP" and not h["stale"]
        await lib.until(is_up, 30, "health is UP when the faults are over")
        for c in self.checkers:
            await c.flows(50)
        await test_redis_outage.holds_everything(self.redis, self.s, time.monotonic())

    def judge(self):
        third = max(1, len(self.samples) // 3)
        first, last = self.samples[third // 2:third], self.samples[-third:]
        rss = [statistics.median(x[0] for x in part) for part in (first, last)]
        fds = [max(x[1] for x in part) for part in (first, last)]
        print(f"memory: {rss[0] / 1e6:.1f} MB in the first third, {rss[1] / 1e6:.1f} MB in the "
              f"last; descriptors at most {fds[0]:.0f}, then {fds[1]:.0f}")
        assert rss[1] - rss[0] <= RSS_GROWTH, "memory grows"
        assert fds[1] <= fds[0] + GUESTS + DEAF, "descriptors are lost"

    async def run(self):
        await self.setup()
        tasks = [asyncio.create_task(f()) for f in (self.throw, self.shake_redis, self.guests,
                                                    self.watch)]
        # Each ends by itself when the time is over; when one fails, for all of them.
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        self.end = 0
        if rest:
            await asyncio.wait(rest, timeout=30)
        for task in done:
            task.result()
        await self.calm()
        m = await self.s.metrics()
        print(f"{m['agnidata_feed_ticks_total']:.0f} ticks, "
              f"{m['agnidata_stream_frames_total']:.0f} frames, "
              f"{m['agnidata_stream_conflated_total']:.0f} conflated, {self.faults} faults, "
              f"{m['agnidata_feed_connects_total']:.0f} connections upstream, "
              f"{m['agnidata_store_reconnects_total']:.0f} of Redis anew, {self.visits} visits, "
              f"{m['agnidata_stream_stalled_total']:.0f} deaf clients closed", flush=True)
        self.judge()
        await self.s.stop()
        for c in self.checkers + self.readers:
            await c.wait(lambda c=c: c.closed == 1001, 5, f"a goodbye, not {c.closed}")


async def killed(t, rounds, seed):
    times = sorted(await test_tape.crash_loop(t, rounds, seed))
    print(f"from the start to the first tick: median {times[len(times) // 2] * 1000:.0f} ms, worst "
          f"{times[-1] * 1000:.0f} ms")
    t.servers.clear()  # each has ended, and was looked at
    await test_tape.crash_loop(t, rounds, seed + 1, tape__sync="turn")


async def part(name, work):
    """One part with a case of its own; True when it went well."""
    t, begin = lib.Case(name), time.monotonic()
    is_failed = True
    try:
        await work(t)
        is_failed = False
    except Exception:
        traceback.print_exc()
    finally:
        try:
            await t.close(is_failed)
        except AssertionError as e:
            print(e)
            is_failed = True
        if is_failed:
            for s in t.servers:
                print("\n".join(s.log[-100:]))
    kind = "FAILED" if is_failed else "ok"
    print(f"{kind:8} {name} {time.monotonic() - begin:.0f} s", flush=True)
    return not is_failed


async def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    outage_s = min(60, minutes * 60)
    parts = [("Redis stopped", lambda t: test_redis_outage.stopped(t, outage_s)),
             ("Redis killed", lambda t: test_redis_outage.killed(t, outage_s)),
             ("killed 200 times", lambda t: killed(t, 200 if minutes >= 5 else 20, seed)),
             (f"faults for {minutes:g} minutes", lambda t: Soak(t, minutes, seed).run())]
    went_well = [await part(name, work) for name, work in parts]
    print(f"soak: {went_well.count(True)} passed, {went_well.count(False)} failed")
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
