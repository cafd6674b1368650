"""Prints what a benchmark found, and puts it into bench/results.json."""

import logging
from collections.abc import Sequence

from bench.outcome import Measure, Outcome, save


def main(measure: Measure) -> None:
    """What `python -m bench.{module}` does."""
    # What workers and clients say of themselves is not what was asked for.
    logging.disable(logging.WARNING)
    outcomes = measure()
    for outcome in outcomes:
        print(line(outcome))
    save(outcomes)


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
