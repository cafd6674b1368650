"""Which fleets are tried under which load: scaling rules × rates × patterns, and a few comparisons.

A fleet with workers that are always there has as many as do the mean load at four fifths of their
time. Nobody has 1800 GPUs at hand: the tables say how many a rate takes.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from bench import fleet_inputs as given
from bench.fleet_arrivals import BURSTS, DAY, POISSON, Pattern
from bench.fleet_runs import Plan, always
from bench.fleet_scaling import (
    Scaler,
    cloud_run,
    crema,
    fixed,
    runpod_by_count,
    runpod_by_delay,
)
from bench.fleet_simulation import Fleet
from gpu_worker.lifecycle.outlook import LEAD_SECONDS, LEAD_SHARE

PATTERNS = (POISSON, DAY, BURSTS)
#: Documents a minute.
RATES = (1, 100, 10_000)
FILM_RATES = (1, 100)
#: Of the GPUs that are always there, on the average.
LEAST_USE = 0.8
HOUR = 3600.0
#: Seconds of a run and of its beginning that does not count, by rate: a day where that is not too
#: many events.
SPANS = {1: (24 * HOUR, HOUR), 100: (4 * HOUR, HOUR / 2), 10_000: (HOUR / 2, HOUR / 6)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A platform with its rule."""

    name: str
    scaler: Scaler
    price: float
    least_price: float
    has_least: bool
    slots: int
    gap_seconds: float


def _cloud_run(name: str, *, has_least: bool) -> Way:
    price = given.CLOUD_RUN_PRICE
    return Way(
        name=name,
        scaler=cloud_run,
        price=price,
        least_price=price,
        has_least=has_least,
        slots=1,
        gap_seconds=given.GAP_SECONDS,
    )


def _crema(name: str, *, has_least: bool) -> Way:
    # Our pull worker: a second slot, so that the GPU goes on without a gap, which opens late.
    way = _cloud_run(name, has_least=has_least)
    return replace(way, scaler=crema, slots=2, gap_seconds=0.0)


def _runpod(name: str, scaler: Scaler, *, has_least: bool = False) -> Way:
    return Way(
        name=name,
        scaler=scaler,
        price=given.RUNPOD_FLEX_PRICE,
        least_price=given.RUNPOD_ACTIVE_PRICE,
        has_least=has_least,
        slots=1,
        gap_seconds=given.RUNPOD_GAP_SECONDS,
    )


PUSH_WAYS = (
    _cloud_run("Cloud Run service, from zero", has_least=False),
    _cloud_run("Cloud Run service, min-instances", has_least=True),
)
OTHER_WAYS = (
    _crema("worker pool by CREMA, from zero", has_least=False),
    _crema("worker pool by CREMA, with a minimum", has_least=True),
    _runpod("RunPod, queue delay", runpod_by_delay),
    _runpod("RunPod, request count", runpod_by_count),
    _runpod("RunPod, request count, active workers", runpod_by_count, has_least=True),
)
WAYS = (*PUSH_WAYS, *OTHER_WAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    name: str
    seconds: float
    cold_start_seconds: float

    def fleet(self, way: Way, per_minute: float) -> Fleet:
        load = per_minute / 60 * self.seconds
        job_seconds: Callable[[Random], float] = always(self.seconds)
        lead = max(LEAD_SECONDS, LEAD_SHARE * self.seconds)
        return Fleet(
            job_seconds=job_seconds,
            cold_start_seconds=self.cold_start_seconds,
            slots=way.slots,
            opens_before_end=lead if way.slots > 1 else math.inf,
            gap_seconds=way.gap_seconds,
            least=math.ceil(load / LEAST_USE) if way.has_least else 0,
        )


PICTURES = Work(
    name="pictures",
    seconds=given.PICTURE_SECONDS,
    cold_start_seconds=given.PICTURE_COLD_START_SECONDS,
)
FILMS = Work(
    name="films", seconds=given.FILM_SECONDS, cold_start_seconds=given.FILM_COLD_START_SECONDS
)


def plan(work: Work, way: Way, pattern: Pattern, per_minute: int) -> Plan:
    seconds, warm_up = SPANS[per_minute]
    if pattern is DAY and per_minute in (1, 100):
        seconds = 24 * HOUR
    return Plan(
        name=f"{work.name}, {pattern.name}, {per_minute} a minute, {way.name}",
        fleet=work.fleet(way, per_minute),
        scaler=way.scaler,
        pattern=pattern,
        per_minute=per_minute,
        seconds=seconds,
        warm_up_seconds=warm_up,
        price=way.price,
        least_price=way.least_price,
    )


def quota_plans() -> Iterator[tuple[str, Plan]]:
    """100 pictures a minute on fleets that may not grow as they would."""
    for pattern, way, quotas in (
        (POISSON, OTHER_WAYS[3], (14, 16, 20, 40)),
        (BURSTS, PUSH_WAYS[1], (20, 40, 80, 160)),
    ):
        usual = plan(PICTURES, way, pattern, 100)
        for most in quotas:
            fleet = replace(usual.fleet, most=most)
            name = f"{usual.name}, at most {most}"
            yield f"{pattern.name} | {way.name} | {most}", replace(usual, name=name, fleet=fleet)


def engine_plans() -> Iterator[tuple[str, Plan]]:
    """100 pictures a minute on 20 workers that neither come nor go."""
    usual = plan(PICTURES, PUSH_WAYS[1], POISSON, 100)
    one = replace(usual.fleet, least=20)
    for name, fleet in (
        ("one slot", one),
        ("two slots: no gap, but any worker with room gets a job", _slots(one, 2)),
        (
            "two slots, the second opens a second before the end, as ours does",
            replace(_slots(one, 2), opens_before_end=LEAD_SECONDS),
        ),
        (
            "four slots, batches of up to 4",
            replace(_slots(one, 4), batch=4, batch_gain=given.BATCH_GAIN),
        ),
    ):
        yield name, replace(usual, name=name, fleet=fleet, scaler=fixed)


def _slots(fleet: Fleet, slots: int) -> Fleet:
    return replace(fleet, slots=slots, gap_seconds=0.0)
