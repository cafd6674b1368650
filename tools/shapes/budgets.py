"""How far a stage of training has come, in shares of a number of steps or of a time.

Steps make a run repeatable to the bit; a time makes it end when it must.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import cos, pi
from typing import Protocol

SECONDS_PER_HOUR = 3600
#: Shares of a stage: the learning rate rises over the first, holds, and falls from the second on.
WARM_UP = 0.02
HOLD_UNTIL = 0.4
#: What the learning rate ends at, as a share of its height.
LAST_RATE = 0.01


class Budget(Protocol):
    def share(self, step: int) -> float:
        """Of the stage that lies behind after `step` steps; it is over at 1."""
        ...

    def spent(self) -> float:
        """Seconds of training so far, earlier runs of the same stage counted in."""
        ...

    def resume(self, spent: float) -> None:
        """Go on after `spent` seconds."""
        ...


@dataclass(kw_only=True, slots=True)
class _Stopwatch:
    clock: Callable[[], float] = time.monotonic
    _started: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def spent(self) -> float:
        return self.clock() - self._started

    def resume(self, spent: float) -> None:
        self._started = self.clock() - spent


@dataclass(kw_only=True, slots=True)
class StepBudget(_Stopwatch):
    steps: int

    def share(self, step: int) -> float:
        return step / self.steps


@dataclass(kw_only=True, slots=True)
class TimeBudget(_Stopwatch):
    seconds: float

    def share(self, step: int) -> float:  # noqa: ARG002 - the other kind of budget counts steps
        return self.spent() / self.seconds


def budget_of(
    stage: str, *, hours: float | None, steps: Mapping[str, int], shares: Mapping[str, float]
) -> Budget:
    """The stage's share of all `hours`; or its steps, where there are none."""
    if hours is None:
        return StepBudget(steps=steps[stage])
    return TimeBudget(seconds=hours * SECONDS_PER_HOUR * shares[stage])


def rate_at(share: float) -> float:
    """The learning rate at this share of a stage, as a factor of its height."""
    if share < WARM_UP:
        return (share + 1e-3) / (WARM_UP + 1e-3)
    if share < HOLD_UNTIL:
        return 1.0
    fallen = min(1.0, (share - HOLD_UNTIL) / (1 - HOLD_UNTIL))
    return LAST_RATE + (1 - LAST_RATE) * (0.5 + 0.5 * cos(pi * fallen))
