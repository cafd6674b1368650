"""`python -m bench`: all benchmarks, one after the other, each in a process of its own.

Writes bench/results.json and the table in docs/figures.md. A benchmark that fails loses its own
rows and nobody else's, and makes the exit code 1; a goal that is missed is said in the table.
Bound: LIMIT_SECONDS each, ten minutes in all on two cores that nobody else uses.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bench.guard import guarded
from bench.outcome import RESULTS
from bench.report import write_section
from bench.reporting import HEADER, forget, leave_when_told, load, rows
from tools.stack.names import REPOSITORY

#: How the names of its rows begin, and the module whose `measure` finds them.
BENCHMARKS = {
    "B1": "bench.idle_gap",
    "B2": "bench.latency",
    "B3": "bench.backlog",
    "B4": "bench.film_writing",
    "B5": "bench.request_overhead",
    "B6": "bench.load",
    "B7": "bench.worker_start",
    "B8": "bench.stopping",
    "M": "bench.memory_growth",
}
LIMIT_SECONDS = 240.0
#: For one that is told to go, to end what it has started.
LEAVE_SECONDS = 30.0
FAILED = "it failed"


def main() -> int:
    """The exit code."""
    leave_when_told()
    began = time.monotonic()
    failed = run_all(BENCHMARKS, RESULTS)
    how = f"Measured in {time.monotonic() - began:.0f} s,"
    write_section("bench", HEADER, table(failed, RESULTS), how=how)
    return 1 if failed else 0


def run_all(benchmarks: Mapping[str, str], file: Path) -> list[str]:
    """Names of those that failed; the others' outcomes are in `file`."""
    failed = []
    for name, module in benchmarks.items():
        began = time.monotonic()
        if not _run(module, file):
            failed.append(name)
            forget(name, file)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


def table(failed: Sequence[str], file: Path) -> list[list[str]]:
    """Rows under HEADER: what was found, and at last who failed."""
    missing = [[name, FAILED, *["–"] * (len(HEADER) - 2)] for name in failed]
    return [*rows(load(file)), *missing]


def _run(module: str, file: Path) -> bool:
    command = [sys.executable, "-m", "bench.reporting", module, str(file)]
    with (
        guarded() as variables,
        subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **variables}) as process,
    ):
        try:
            return process.wait(LIMIT_SECONDS) == 0
        except subprocess.TimeoutExpired:
            print(f"{module} is not done after {LIMIT_SECONDS:g} s", file=sys.stderr)
            return False
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """What it leaves behind is its guard's."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE_SECONDS)
    finally:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
