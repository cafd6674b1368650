"""`python -m bench.reporting MODULE FILE`: prints what a benchmark found and puts it into FILE."""

import importlib
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.guard import guarded_here
from bench.outcome import RESULTS, Measure, Outcome, save

#: What ends a benchmark before its time.
SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: And a signal's number: how a shell tells of a program that it ended.
SIGNALLED = 128


def main(measure: Measure, file: Path = RESULTS) -> None:
    """What `python -m bench.{module}` does."""
    # What workers and clients say of themselves is not what was asked for.
    logging.disable(logging.WARNING)
    leave_when_told()
    with guarded_here():
        outcomes = measure()
    for outcome in outcomes:
        print(line(outcome), flush=True)
    save(outcomes, file)


def leave_when_told() -> None:
    """At the first signal, by way of every `finally`; another one must not break that off."""
    for number in SIGNALS:
        signal.signal(number, _leave)


def _leave(signalled: int, _frame: object) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(SIGNALLED + signalled)


def load(file: Path = RESULTS) -> list[Outcome]:
    """What `save` has put there."""
    known = json.loads(file.read_text()) if file.exists() else {}
    return [Outcome(name=name, **fields) for name, fields in known.items()]


def forget(prefix: str, file: Path = RESULTS) -> None:
    """Take out what a benchmark found another time: those whose names begin so."""
    if file.exists():
        known = json.loads(file.read_text())
        kept = {name: it for name, it in known.items() if not name.startswith(prefix)}
        file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def line(outcome: Outcome) -> str:
    cells = [f"{outcome.name}: {outcome.timed}: {figure(outcome.value)} {outcome.unit}"]
    cells += [
        f"{name} {figure(value)}"
        for name, value in (("floor", outcome.floor), ("peer", outcome.peer), *outcome.more.items())
        if value is not None
    ]
    return f"{', '.join(cells)}; {outcome.goal}: {'met' if outcome.met else 'MISSED'}"


def figure(value: float) -> str:
    """To three digits, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004


def rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Of the docs' table, under HEADER."""
    return [
        [
            outcome.name,
            outcome.timed,
            f"{figure(outcome.value)} {outcome.unit}",
            *(_beside(outcome.value, other) for other in (outcome.floor, outcome.peer)),
            outcome.goal,
            "yes" if outcome.met else "**no**",
        ]
        for outcome in outcomes
    ]


HEADER = ["", "timed", "here", "floor", "peer", "goal", "met"]


def _beside(value: float, other: float | None) -> str:
    """With how many times of it the value is."""
    if other is None:
        return "–"
    return f"{figure(other)} ({value / other:.2f} ×)" if other else figure(other)


if __name__ == "__main__":
    main(importlib.import_module(sys.argv[1]).measure, Path(sys.argv[2]))
