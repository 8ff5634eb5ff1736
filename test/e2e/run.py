#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run: the end-to-end tests: the binary as its users meet it.

    run.py [NAME]...    all tests, or those whose name or file name holds a NAME

AGNIDATA names the binary, AGNI_FLAVOUR=asan gives it more time, AGNI_LONG=1 runs the long forms,
AGNI_VALGRIND=1 those under valgrind. The last line is `N passed, N failed, N skipped`.
"""
import asyncio
import concurrent.futures
import glob
import importlib
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

try:
    import lib
except ModuleNotFoundError as missing:
    # Another interpreter comes first in PATH: the packages are the distribution's.
    if sys.executable != "/usr/bin/python3" and "AGNI_E2E_AGAIN" not in os.environ:
        os.environ["AGNI_E2E_AGAIN"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print(f"skipped  end-to-end tests: {missing} (Debian: python3-websockets)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

LIMIT_S = 150  # one test, if it does not say otherwise by an attribute `limit`
# Most tests wait most of the time; those that measure time are marked `alone`.
WORKERS = 2 * min(os.cpu_count() or 2, 8)


def collect(names):
    """Test functions by name, in the order of the files, then of their lines."""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        tests = [(f.__code__.co_firstlineno, name, f) for name, f in vars(module).items()
                 if name.startswith("test_") and asyncio.iscoroutinefunction(f)]
        for _, name, f in sorted(tests):
            if not names or any(n in name or n in os.path.basename(path) for n in names):
                assert name not in found, f"two tests are called {name}"
                found[name] = f
    return found


async def run_one(name, test, logs):
    case = lib.Case(name)
    limit = getattr(test, "limit", LIMIT_S) * lib.SLOW * (60 if lib.LONG else 1)
    is_failed = True
    try:
        await asyncio.wait_for(test(case), limit)
        is_failed = False
    finally:
        try:
            await case.close(is_failed)
        finally:
            logs += [(s.command(), s.log) for s in case.servers]


def own_frames(error):
    """The traceback without what runs the loop."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(HERE)]
    return "".join(traceback.format_list(frames[2:]) +
                   traceback.format_exception_only(type(error), error))


def failure(name, error, logs):
    """The reason comes first, in the line of the name: what follows may be long."""
    reason = (str(error) or repr(error)).split("\n")[0]
    lines = own_frames(error).rstrip().split("\n")
    for command, log in logs:
        lines.append(f"--- log of {' '.join(command[3:])}")
        alarm = next((i for i, line in enumerate(log) if lib.SANITIZER.search(line)), len(log))
        lines += ["| " + line for line in log[max(0, alarm - 40):alarm + 40]]
    return f"FAILED   {name}: {reason}\n" + "\n".join("         " + line for line in lines)


def run_named(name):
    """One test, in a worker: what became of it, and the text to print. A measurement that a busy
    machine has spoilt is made again, three times at most."""
    test = collect([name])[name]
    for attempt in range(3):
        begin, logs = time.monotonic(), []
        try:
            asyncio.run(run_one(name, test, logs))
        except lib.Skip as why:
            return "skipped", f"skipped  {name}: {why}"
        except lib.TooBusy as error:
            text, reason = failure(name, error, logs), str(error).split("\n")[0]
        except Exception as error:
            return "failed", failure(name, error, logs)
        else:
            again = f" (attempt {attempt + 1}, for a busy machine: {reason})" if attempt else ""
            return "passed", f"ok       {name} {time.monotonic() - begin:.1f} s{again}"
    return "failed", text


def results(tests):
    """(kind, text) of each test: first side by side, then those that want to be alone."""
    alone = [name for name, test in tests.items() if getattr(test, "alone", False)]
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
        work = [pool.submit(run_named, name) for name in tests if name not in alone]
        for done in concurrent.futures.as_completed(work):
            yield done.result()
    for name in alone:
        yield run_named(name)


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    if os.access(lib.BINARY, os.X_OK):
        for kind, text in results(collect(sys.argv[1:])):
            count[kind] += 1
            print(text, flush=True)
    else:
        count["failed"] = 1
        print(f"FAILED   {lib.BINARY} is not there: run make first")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped",
          flush=True)
    return 1 if count["failed"] or not any(count.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
