# SPDX-License-Identifier: MIT
"""The tape: what a client has seen, a crash cannot take back.

kill -9 at random moments under load with clients that resume, a disk that is full, changed bits in
the files, and a reader that was away. AGNI_ROUNDS sets the rounds of the crash loop (soak: 200).
"""
import asyncio
import glob
import os
import random
import time

from lib import FLAVOUR, SLOW, alone, until
from tape import Follower, Ledger, kill, limit_files

ROUNDS = int(os.environ.get("AGNI_ROUNDS", "8"))
SPEED = "400" if FLAVOUR == "release" else "100"  # 20,000 ticks a second, and a quarter of it


def settings(case, **more):
    return {"sim.speed": SPEED, "server.data_dir": os.path.join(case.folder, "var"),
            "sim.start": "2026-11-20T09:15:00", **{k.replace("__", "."): v
                                                   for k, v in more.items()}}


def files(case):
    return sorted(glob.glob(os.path.join(case.folder, "var", "tape", "sim", "*.tape")))


async def first_server(t, **more):
    s = await t.server(settings(t, **more))

    async def all_have_state():  # with sync=turn that is later than the feed's first tick
        return len(await s.quotes()) == 41
    await until(all_have_state, 15, "every instrument has state")
    return s, sorted(await s.quotes())


async def crash_loop(t, rounds, seed, **more):
    """Returns what the rounds took from spawn to the first tick at a client, in seconds."""
    rng, ledger, times = random.Random(seed), Ledger(), []
    s, keys = await first_server(t, **more)
    await kill(s)
    followers = [Follower("all", ledger, keys, "all"), Follower("latest", ledger, keys, "latest")]
    for n in range(rounds):
        begin = time.monotonic()
        s = await t.server(settings(t, **more))
        for f in followers:
            await f.open(s.ws)
        await followers[0].wait(lambda: followers[0].first_tick, 10, "the first tick")
        times.append(followers[0].first_tick - begin)
        await asyncio.sleep(rng.uniform(0, 0.6))
        for f in followers:
            f.check()
        await kill(s)
        for f in followers:
            await f.lost()
            assert not f.gaps and not f.refused and not f.epochs, \
                f"{f.name}, round {n}: {f.gaps} {f.refused} {f.epochs}"
    # Under policy latest single ticks come only where something was missed.
    assert followers[0].ticks > 0 and followers[1].frames > 0
    # A reader of everything meets what the others were shown, and nothing else.
    s = await t.server(settings(t, **more))
    auditor = Follower("auditor", ledger, keys, "all")
    auditor.seq, auditor.epoch = 0, followers[0].epoch
    auditor.next = 1
    await auditor.open(s.ws)
    newest = max(ledger.seen)
    await auditor.wait(lambda: auditor.seq >= newest, 60, "every tick again")
    assert not auditor.gaps and not auditor.refused
    assert auditor.ticks >= len(ledger.seen) > 0
    await auditor.close()
    assert (await s.metrics())["agnidata_tape_damaged_segments_total"] == 0
    await s.stop()
    return times


@alone
async def test_tape_crash_loop(t):
    """kill -9 under 20,000 ticks a second: no seq that was seen is missing, different or given
    twice, and the epoch goes on."""
    times = await crash_loop(t, ROUNDS, 1)
    assert sorted(times)[len(times) // 2] < 1 * SLOW, times


test_tape_crash_loop.limit = 60 + 8 * ROUNDS


@alone
async def test_tape_crash_loop_sync_turn(t):
    """The same when ticks are shown only when they are on the disk."""
    await crash_loop(t, max(ROUNDS // 2, 3), 2, tape__sync="turn")


test_tape_crash_loop_sync_turn.limit = 60 + 8 * ROUNDS


async def test_tape_restart(t):
    """A clean stop, and on with the next number; a client goes on over it without a seam."""
    s, keys = await first_server(t)
    f = Follower("all", Ledger(), keys, "all")
    await f.open(s.ws)
    await f.wait(lambda: f.ticks > 500, 10, "ticks")
    await s.stop()
    await f.lost()
    s = await t.server(settings(t))
    await f.open(s.ws)
    had = f.ticks
    await f.wait(lambda: f.ticks > had + 500, 10, "ticks behind the restart")
    assert not f.gaps and not f.refused and not f.epochs
    await f.close()


async def test_tape_reader_was_away(t):
    """What left memory is read from the files, while ticks flow: all of it, in order."""
    s, keys = await first_server(t, tape__memory_bytes="1048576", tape__segment_bytes="2097152")
    f = Follower("all", Ledger(), keys, "all")
    await f.open(s.ws)
    await f.wait(lambda: f.ticks > 100, 10, "ticks")
    await f.close()

    async def is_far():
        return (await s.metrics())["agnidata_tape_bytes_total"] > 8e6
    await until(is_far, 60, "the tape is far ahead")
    had, at = f.ticks, f.seq
    await f.open(s.ws)
    newest = f.catching_up
    await f.wait(lambda: f.seq >= newest, 60, "everything that was missed")
    assert not f.gaps and not f.refused, (f.gaps, f.refused)
    assert f.ticks - had >= newest - at > 50000
    assert (await s.metrics())["agnidata_tape_loads_total"] > 10
    await f.close()


async def test_tape_disk_full(t):
    """A full disk: ticks go on in a declared degraded mode and a new epoch; then on the tape again."""
    s, keys = await first_server(t)
    f = Follower("all", Ledger(), keys, "all")
    await f.open(s.ws)
    await f.wait(lambda: f.ticks > 500, 10, "ticks")
    old = f.epoch
    limit_files(s, 1000)
    await f.wait(lambda: f.epochs, 20, "the new epoch is told")
    h = await s.health()
    assert h["status"] == "DEGRADED" and "not recording since seq" in h["why"], h
    assert h["modules"]["tape"]["status"] == "DEGRADED" and h["epoch"] == f.epochs[-1]
    assert (await s.metrics())["agnidata_tape_degraded"] == 1
    had = f.ticks
    await f.wait(lambda: f.ticks > had + 500, 10, "ticks go on")
    assert not f.gaps, "a client that keeps up misses nothing"
    limit_files(s, None)

    async def is_well():
        return (await s.metrics())["agnidata_tape_degraded"] == 0
    await until(is_well, 20, "it records again")
    assert (await s.health())["status"] == "UP"
    had = f.ticks
    await f.wait(lambda: f.ticks > had + 500, 10, "ticks go on")
    await kill(s)
    await f.lost()
    # The new epoch stands; the old one cannot be gone on with; what was not kept is a gap.
    f.epochs.clear()
    s = await t.server(settings(t))
    await f.open(s.ws)
    had = f.ticks
    await f.wait(lambda: f.ticks > had + 500, 10, "ticks behind the restart")
    assert not f.gaps and not f.refused and not f.epochs
    late = Follower("late", Ledger(), keys, "all")
    late.seq, late.epoch = 10, old
    await late.open(s.ws)
    await late.wait(lambda: late.refused, 10, "the old epoch is refused")
    assert late.refused[0]["reason"] == "another_epoch"
    await late.close()
    await f.close()


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 4]))


async def test_tape_damaged_end(t):
    """A changed bit at the end of the newest file: perhaps somebody saw that tick, so a new epoch
    begins, above every number that was given."""
    s, keys = await first_server(t)
    f = Follower("all", Ledger(), keys, "all")
    await f.open(s.ws)
    await f.wait(lambda: f.ticks > 2000, 10, "ticks")
    await kill(s)
    await f.lost()
    path, seq = files(t)[-1], f.seq
    flip(path, os.path.getsize(path) - 40)
    s = await t.server(settings(t))
    await f.open(s.ws)
    await f.wait(lambda: f.refused, 10, "it cannot go on")
    assert f.refused[0]["reason"] == "another_epoch" and int(f.refused[0]["newest"]) > seq
    assert os.path.exists(path + ".damaged") and not os.path.exists(path)
    assert (await s.metrics())["agnidata_tape_damaged_segments_total"] == 1
    await f.close()


async def test_tape_damaged_middle(t):
    """A changed bit in an older file: the same epoch, and a gap with its bounds for who reads there."""
    s, keys = await first_server(t, tape__segment_bytes="1048576", tape__memory_bytes="1048576")
    ledger = Ledger()
    f = Follower("all", ledger, keys, "all")
    await f.open(s.ws)
    await until(lambda: len(files(t)) > 4, 60, "some files")
    await kill(s)
    await f.lost()
    flip(files(t)[1], 600000)
    s = await t.server(settings(t, tape__segment_bytes="1048576", tape__memory_bytes="1048576"))
    auditor = Follower("auditor", ledger, keys, "all")
    auditor.seq, auditor.epoch, auditor.next = 0, f.epoch, 1
    await auditor.open(s.ws)
    newest = auditor.catching_up
    await auditor.wait(lambda: auditor.seq >= newest, 60, "the newest tick")
    assert not auditor.refused and len(auditor.gaps) == 1, (auditor.refused, auditor.gaps)
    first, last, reason = auditor.gaps[0]
    assert reason == "damaged" and auditor.ticks + last + 1 - first >= newest
    await auditor.close()
