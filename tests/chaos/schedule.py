"""What a run plays, in which order: drawn from the seed, so that a run can be had again."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.chaos.act import Act
from tests.chaos.scenarios import (
    bad_network,
    cancellations,
    clocks,
    departures,
    engine_kills,
    film_kills,
    outages,
    poison,
    repeats,
    storms,
    supervisor_kills,
    zombies,
)

#: A run's seed is below this.
SEEDS = 10**9


def rounds(seed: int, *, long: bool) -> Iterator[Act]:
    """A short run's acts; a long one's do not end: after all of them all are drawn anew."""
    yield from schedule(seed, long=long)
    numbers = itertools.count(2) if long else ()
    for number in numbers:
        for act in schedule(seed + number * SEEDS, long=True):
            yield replace(act, name=f"{act.name}, round {number}", again=True)


def schedule(seed: int, *, long: bool) -> list[Act]:
    """Every act once, kinds in turn, so that a run which is cut short has played some of each."""
    random = Random(seed)
    acts = [
        *supervisor_kills.acts(random),
        *engine_kills.acts(random),
        *film_kills.acts(random),
        *poison.acts(),
        *zombies.acts(),
        *repeats.acts(random, jobs=500 if long else 60),
        *bad_network.acts(random, rounds=60 if long else 8),
        *outages.acts((5.0, 20.0, 70.0) if long else (5.0, 20.0)),
        *clocks.acts(),
        *cancellations.acts(random, times=30 if long else 8),
        *departures.acts(rounds=50 if long else 8),
        *storms.acts(random, count=6 if long else 1, seconds=90.0 if long else 20.0),
    ]
    random.shuffle(acts)
    kinds: dict[str, list[Act]] = defaultdict(list)
    for act in acts:
        kinds[act.kind].append(act)
    turns = itertools.zip_longest(*kinds.values())
    return [act for turn in turns for act in turn if act is not None]
