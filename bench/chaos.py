"""`python -m bench.chaos`: figures of the last chaos run, for the docs; measures nothing itself."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bench.report import percentile, write_section
from tests.chaos.__main__ import RESULT

#: Whose faults are `who action at point`.
MATRICES = ("supervisor", "engine", "film")


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    if not path.is_file():
        print(f"There is no {path}; `make chaos` writes it.", file=sys.stderr)
        return 1
    figures: dict[str, Any] = json.loads(path.read_text())
    write_section("chaos", ["", f"seed {figures['seed']}"], outcome(figures))
    write_section("chaos-faults", ["what was broken", "how often"], faults(figures))
    return 0


def outcome(figures: dict[str, Any]) -> list[list[str]]:
    """Rows of counts and times; a time that was not measured often enough is left out."""
    rows = [
        ["generations", str(figures["jobs"])],
        ["faults", str(sum(figures["faults"].values()))],
        ["**lost**", str(figures["lost"])],
        ["**duplicated**", str(figures["duplicated"])],
        ["orphans left", str(figures["orphans"])],
        ["messages that the queue lost, brought home by the sweep", str(figures["brought_home"])],
        ["generations whose last change its listener was never told", str(figures["untold"])],
        [f"**quota drift**, of {figures['charges']} charges", str(figures["quota_drift"])],
        ["other promises broken", str(others(figures))],
    ]
    recovery, shutdown = figures["recovery_seconds"], figures["shutdown_seconds"]
    if len(recovery) > 1:
        rows += [
            [f"kill -9 → generation ended, {name} of {len(recovery)}", f"{value:.1f} s"]
            for name, value in (
                ("p50", percentile(recovery, 0.5)),
                ("p99", percentile(recovery, 0.99)),
            )
        ]
    if len(shutdown) > 1:
        rows += [
            [f"SIGTERM → process gone, {name} of {len(shutdown)}", f"{value:.1f} s"]
            for name, value in (("p50", percentile(shutdown, 0.5)), ("longest", max(shutdown)))
        ]
    steps = figures["cancel_steps"]
    if steps:
        rows += [
            [
                f"cancellation written → engine free, most of {len(steps)}",
                f"{max(steps)} denoising steps begun",
            ]
        ]
    return rows


def others(figures: dict[str, Any]) -> int:
    broken = sum(len(each) for each in figures["violations"].values())
    named = sum(figures[it] for it in ("lost", "duplicated", "orphans", "quota_drift"))
    return int(broken - named + len(figures["failures"]))


def faults(figures: dict[str, Any]) -> list[list[str]]:
    """Rows by kind; the cells of the kill matrices are told by how the process was stopped."""
    counts: Counter[str] = Counter()
    for name, count in figures["faults"].items():
        who, _, rest = name.partition(" ")
        kind = f"{who}: {rest.split(' at ')[0]}" if who in MATRICES else name
        counts[kind] += count
    return [[kind, str(count)] for kind, count in sorted(counts.items())]


if __name__ == "__main__":
    sys.exit(main())
