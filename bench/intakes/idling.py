"""How long an engine stood still between jobs that were all there from the start."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Seconds on one monotonic clock."""

    began: float
    ended: float


@dataclass(frozen=True, kw_only=True)
class Idling:
    #: Seconds between one turn's end and the next one's begin: the median and the longest.
    median_gap: float
    longest_gap: float
    #: Share of the time from the first begin to the last end that the engine worked, 0 … 1.
    duty: float

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> "Idling":
        """`turns` are at least two, in order."""
        gaps = gaps_of(turns)
        worked = sum(turn.ended - turn.began for turn in turns)
        return cls(
            median_gap=statistics.median(gaps),
            longest_gap=max(gaps),
            duty=worked / (turns[-1].ended - turns[0].began),
        )


def gaps_of(turns: Sequence[Turn]) -> list[float]:
    """Seconds between one's end and the next one's begin; `turns` are in order."""
    return [after.began - before.ended for before, after in itertools.pairwise(turns)]


def read_turns(times: Path) -> list[Turn]:
    """What a `StopwatchEngine` wrote down."""
    lines = (line.split() for line in times.read_text().splitlines()) if times.exists() else ()
    return [Turn(began=float(began), ended=float(ended)) for began, ended in lines]
