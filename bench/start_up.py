"""Where start-up seconds and idle megabytes go: the demo, the function's import, the worker.

Each figure comes from a process of its own; imports are interleaved with their floor.
"""

import json
import statistics
import subprocess
import sys
import time

import psutil

from bench.report import write_section
from tools.bundle import DEFAULT_TARGET, build
from tools.demo.show import STAGES
from tools.stack import running_stack
from tools.stack.names import BUILD

IMPORT_ROUNDS = 7
DEMO_TIMEOUT_SECONDS = 300.0
MEBIBYTE = 2**20


def main() -> None:
    write_section("demo", ["second `make demo`", "seconds"], demo_rows())
    write_section("function", ["a fresh process imports", "median", "min"], import_rows())
    write_section("memory", ["idle worker", "resident", "of it unshared"], memory_rows())


def demo_rows() -> list[list[str]]:
    """`make demo` in a checkout where everything is installed."""
    report = BUILD / "demo-timings.json"
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tools.demo", "--timings", str(report)],
        check=True,
        timeout=DEMO_TIMEOUT_SECONDS,
        stdout=subprocess.DEVNULL,
    )
    total = time.monotonic() - started
    measured = json.loads(report.read_text())
    moments = measured["moments"]
    phone = moments["saved"] - moments["start"]
    stack_up = max(measured["stack"].values())
    return [
        ["total", f"{total:.1f}"],
        ["emulators and worker ready", f"{stack_up:.1f}"],
        *(
            [f"– {name} after", f"{seconds:.1f}"]
            for name, seconds in sorted(measured["stack"].items(), key=lambda item: item[1])
        ),
        ["phone: start, sign in, create, wait, download", f"{phone:.1f}"],
        *(
            [f"– of it worker: {stage}", f"{measured['worker'][stage]:.2f}"]
            for stage in STAGES
            if stage in measured["worker"]
        ),
        ["stopping everything, and Python's own start", f"{total - stack_up - phone:.1f}"],
    ]


def import_rows() -> list[list[str]]:
    build()
    cases = {
        "nothing (Python itself)": "pass",
        "`firebase_functions.firestore_fn`": "import firebase_functions.firestore_fn",
        "our `main`": "import main",
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(IMPORT_ROUNDS):
        for name, code in cases.items():
            started = time.monotonic()
            subprocess.run([sys.executable, "-c", code], cwd=DEFAULT_TARGET, check=True, timeout=60)
            seconds[name].append(time.monotonic() - started)
    return [
        [name, f"{statistics.median(values):.2f} s", f"{min(values):.2f} s"]
        for name, values in seconds.items()
    ]


def memory_rows() -> list[list[str]]:
    with running_stack(BUILD / "bench-stack", worker=True) as stack:
        supervisor = stack.processes["worker"].find()
        assert supervisor is not None, "the worker ended"
        engines = supervisor.children(recursive=True)
        return [
            ["supervisor", *_memory(supervisor)],
            *(["engine", *_memory(engine)] for engine in engines),
        ]


def _memory(process: psutil.Process) -> list[str]:
    memory = process.memory_full_info()
    return [f"{memory.rss / MEBIBYTE:.0f} MiB", f"{memory.uss / MEBIBYTE:.0f} MiB"]


if __name__ == "__main__":
    main()
