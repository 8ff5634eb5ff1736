#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gate: everything that has to hold before a change lands, and the one summary line at the end.

    gate.py          all of it
    gate.py quick    unit, module, end-to-end, release build only
    gate.py asan | lint | fuzz

Each cmocka test, each end-to-end test, each lint and each fuzz target counts as one. A test that
cannot run here (no data set, no tool) is skipped and says why. Every failure is told twice: where
it happens, with its output, and once more in the last lines, by its name and its first words.

Test programs run side by side: most of their time they wait, and none needs a port or a folder that
another may have. The output of each is printed in one piece when it ends. The log ends with where
the time went: by step, with the processor time of all that the step has started, and the slowest.
"""
import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUZZ_S = int(os.environ.get("FUZZ_S", "60" if sys.argv[1:2] == ["fuzz"] else "15"))
CORES = min(os.cpu_count() or 2, 8)
BESIDE = 2 * CORES  # test programs at the same time
TEST_LIMIT_S = 480
# They begin before the others, or the end would be a wait for one of them alone.
LONG = ("test_tape_recover", "test_store", "test_sim_tape", "test_stream_slow")
SLOWEST = 15
SANITIZER = re.compile(r"ERROR: \w*Sanitizer|runtime error:")
passed = failed = skipped = 0
failures = []    # what the last lines of the log repeat
steps = []       # (name, seconds, seconds of processors)
times = []       # (seconds, name) of each test
running = set()  # processes


def note(kind, name, text=""):
    print(f"{kind:8} {name}{': ' if text else ''}{text}", flush=True)


def count(ok, name, text=""):
    global passed, failed
    if ok:
        passed += 1
        note("ok", name)
    else:
        failed += 1
        note("FAILED", name, text)
        failures.append(name + indent(first_words(text)))


def indent(lines):
    return "".join("\n    " + line for line in lines)


def first_words(text):
    """The lines that look like the reason, or the last ones."""
    lines = [line for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if re.search(r"error|FAILED|warning", line, re.I)]
    return reasons[:5] or lines[-5:]


def skip(name, why):
    global skipped
    skipped += 1
    note("skipped", name, why)


@contextlib.contextmanager
def step(name):
    """Takes the time of a part of the gate."""
    begin, before = time.monotonic(), os.times()
    yield
    now = os.times()
    steps.append((name, time.monotonic() - begin,
                  now.children_user + now.children_system -
                  before.children_user - before.children_system))


def end_all(process):
    """What the command has started goes with it: servers, workers, what they started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(cmd, limit=1800, env=None):
    """Exit code (124: out of time) and output of a command."""
    full = dict(os.environ, **(env or {}))
    try:
        p = subprocess.Popen(cmd, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=full, start_new_session=True)
    except FileNotFoundError as e:
        return 127, str(e)
    running.add(p)
    code, late = 124, f"\nno end within {limit} s"
    try:
        out, _ = p.communicate(timeout=limit)
        code, late = p.returncode, ""
    except subprocess.TimeoutExpired:
        end_all(p)
        out, _ = p.communicate()
    except BaseException:
        end_all(p)
        raise
    finally:
        running.discard(p)
    return code, out.decode(errors="replace") + late


def side_by_side(workers, jobs):
    """Runs commands, given as {name: arguments of run()}, so many at a time in this order. As each
    ends: its name, exit code, output and seconds."""
    def timed(name):
        begin = time.monotonic()
        return name, *run(**jobs[name]), time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            for done in concurrent.futures.as_completed([pool.submit(timed, n) for n in jobs]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for p in list(running):
                end_all(p)
            raise


def make(*args):
    return run(["make", f"-j{CORES}", "--no-print-directory", *args])


def build(name, *args):
    with step(name):
        code, out = make(*args)
    count(code == 0, name, "\n" + out[-6000:])
    return code == 0


def reasons(code, out):
    """Why a test program failed: for each test its name and what it said last, then the first word
    of a sanitizer. A report of leaks is long, and mostly a consequence."""
    found, test, said, alarm = [], None, [], None
    for line in out.splitlines():
        run_of = re.match(r"\[ RUN +\] (\w+)", line)
        end_of = re.match(r"\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\w+)$", line)
        if run_of:
            test, said = run_of[1], []
        elif test and end_of and end_of[2] == test:
            if end_of[1] in ("FAILED", "ERROR"):
                found.append(test + indent(said[-12:]))
            test = None
        elif test and len(said) < 1000:
            said.append(line)
        if alarm is None and SANITIZER.search(line):
            alarm = f"{line} (in {test or 'no test'})"
    if test:
        how = "out of time" if code == 124 else f"exit {code}"
        found.append(f"{test} did not end ({how})" + indent(said[-12:]))
    return found + ([alarm] if alarm else []) or [f"exit {code}" + indent(out.splitlines()[-5:])]


def cmocka(name, code, out, seconds):
    """One test program that has ended; its own summary tells how many tests passed, failed, were
    skipped."""
    global passed, failed, skipped
    n = {k: sum(int(x) for x in re.findall(r"\[ +%s +\] (?:\w+: )?(\d+) test\(s\)" % k, out))
         for k in ("PASSED", "SKIPPED", "FAILED", "ERROR")}
    bad = n["FAILED"] + n["ERROR"]
    if code != 0 and bad == 0:
        bad = 1  # crashed, timed out, or a sanitizer spoke after the last test
    if n["PASSED"] + n["SKIPPED"] + bad == 0:
        bad = 1  # ran nothing
    passed, failed, skipped = passed + n["PASSED"], failed + bad, skipped + n["SKIPPED"]
    kind = "FAILED" if bad else "ok"
    times.append((seconds, name))
    note(kind, name, f"{n['PASSED']} passed, {bad} failed, {n['SKIPPED']} skipped, "
                     f"{seconds:.1f} s")
    if bad:
        why = reasons(code, out)
        failures.extend(f"{name}: {text}" for text in why)
        print(out[-8000:] + "\n" + "\n".join(f"FAILED   {name}: {text}" for text in why),
              flush=True)
    elif n["SKIPPED"]:
        for line in sorted(set(re.findall(r"^no .*", out, re.M))):
            print("         " + line, flush=True)


SANITIZE = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def programs(flavour):
    if not build(f"build of the tests, {flavour}", f"FLAVOUR={flavour}", "tests"):
        return
    names = [f"{kind}/{src[:-2]}" for kind in ("module", "unit")
             for src in sorted(os.listdir(os.path.join(ROOT, "test", kind))) if src.endswith(".c")]
    names.sort(key=lambda name: os.path.basename(name) not in LONG)
    with step(f"unit and module tests, {flavour}"):
        for end in side_by_side(BESIDE, {
                f"build/{flavour}/test/{name}": {
                    "cmd": [os.path.join(ROOT, "build", flavour, "test", name)],
                    "limit": TEST_LIMIT_S, "env": SANITIZE if flavour == "asan" else None}
                for name in names}):
            cmocka(*end)


def e2e(flavour):
    global passed, failed, skipped
    if not build(f"build of the server, {flavour}", f"FLAVOUR={flavour}",
                 f"build/{flavour}/agnidata"):
        return
    binary = os.path.join(ROOT, "build", flavour, "agnidata")
    env = dict(SANITIZE if flavour == "asan" else {}, AGNIDATA=binary, AGNI_FLAVOUR=flavour)
    with step(f"end-to-end tests, {flavour}"):
        code, out = run([sys.executable, "test/e2e/run.py"], limit=1500, env=env)
    times.extend((float(m[2]), f"{flavour}: {m[1]}")
                 for m in re.finditer(r"^ok +(\w+) ([\d.]+) s", out, re.M))
    m = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", out, re.M)
    print(out if code or not m else "\n".join(out.splitlines()[:-1]), flush=True)
    if m:
        passed, failed, skipped = (passed + int(m[1]), failed + int(m[2]), skipped + int(m[3]))
        failures.extend(f"{flavour}: {text}" for text in re.findall(r"^FAILED +(.*)", out, re.M))
    if not m or (code and not int(m[2])):
        count(False, f"end-to-end tests, {flavour}", f"exit {code}")


def lints():
    here = os.path.join(ROOT, "test", "lint")
    for script in sorted(os.listdir(here)):
        with step("lint " + script):
            code, out = run([os.path.join(here, script)], limit=900)
        if code == 77:
            skip("lint " + script, out.strip().splitlines()[-1] if out.strip() else "")
        else:
            count(code == 0, "lint " + script, "\n" + out[-4000:])


def fuzz():
    targets = sorted(f[:-2] for f in os.listdir(os.path.join(ROOT, "test", "fuzz"))
                     if f.endswith(".c"))
    if run(["clang", "--version"])[0] != 0:
        for t in targets:
            skip(t, "no clang")
        return
    if not build("build of the fuzz targets", "FLAVOUR=fuzz", "fuzzers"):
        return
    jobs = {}
    for t in targets:
        corpus = os.path.join("test", "fuzz", "corpus", t.replace("fuzz_", ""))
        scratch = os.path.join("build", "fuzz", "corpus", t)
        os.makedirs(os.path.join(ROOT, scratch), exist_ok=True)
        dirs = [scratch] + ([corpus] if os.path.isdir(os.path.join(ROOT, corpus)) else [])
        jobs[t] = {"cmd": [os.path.join(ROOT, "build/fuzz/fuzz", t), f"-max_total_time={FUZZ_S}",
                           "-rss_limit_mb=2048", "-timeout=10",
                           f"-artifact_prefix=build/fuzz/{t}-", *dirs], "limit": FUZZ_S + 120}
    with step("fuzzing"):
        for t, code, out, _ in side_by_side(CORES, jobs):  # each has a processor of its own
            count(code == 0, f"{t}, {FUZZ_S} s", "\n" + out[-4000:])


def tell_times():
    for name, seconds, cpu in steps:
        if seconds >= 1:
            note("time", name, f"{seconds:.0f} s, processors {cpu:.0f} s")
    for seconds, name in sorted(times, reverse=True)[:SLOWEST]:
        note("slow", name, f"{seconds:.1f} s")


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    start = time.monotonic()
    if what in ("all", "lint"):
        lints()
    if what in ("all", "quick"):
        programs("release")
        e2e("release")
    if what in ("all", "asan"):
        programs("asan")
        e2e("asan")
    if what in ("all", "fuzz"):
        fuzz()
    tell_times()
    for text in failures:
        print(f"FAILED   {text}")
    print(f"took {time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
