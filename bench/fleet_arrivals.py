"""When documents come: at a steady mean, along a day, or in bursts; Poisson in every moment.

A changing rate is drawn by thinning (Lewis and Shedler, "Simulation of nonhomogeneous Poisson
processes by thinning"): moments at the highest rate, of which each is kept with the chance that the
rate of that moment has in it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from bench.fleet_inputs import BURST_FACTOR, BURST_PERIOD_SECONDS, BURST_SECONDS, DAY_SWING

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """`shape` is the rate at a second, in means; it never goes above `highest`."""

    name: str
    shape: Callable[[float], float]
    highest: float

    def moments(self, rng: Random, *, per_second: float, seconds: float) -> Iterator[float]:
        """Seconds from the start, in order, all below `seconds`."""
        now = 0.0
        fastest = per_second * self.highest
        while (now := now + rng.expovariate(fastest)) < seconds:
            if rng.random() * self.highest < self.shape(now):
                yield now


def _steady(_: float) -> float:
    return 1.0


def _day(second: float) -> float:
    """From the morning's mean over noon and the evening's mean to the night."""
    return 1 + DAY_SWING * math.sin(2 * math.pi * second / DAY_SECONDS)


def _bursts(second: float) -> float:
    """Bursts end a period, so that a run begins quietly. On the average 1."""
    share = BURST_SECONDS / BURST_PERIOD_SECONDS
    if second % BURST_PERIOD_SECONDS >= BURST_PERIOD_SECONDS - BURST_SECONDS:
        return BURST_FACTOR
    return (1 - BURST_FACTOR * share) / (1 - share)


POISSON = Pattern(name="Poisson", shape=_steady, highest=1.0)
DAY = Pattern(name="day", shape=_day, highest=1.0 + DAY_SWING)
BURSTS = Pattern(name="bursts", shape=_bursts, highest=BURST_FACTOR)
