"""The platforms' rules, as their pages have them."""

from dataclasses import replace
from random import Random

import pytest

from bench import fleet_inputs as given
from bench.fleet_arrivals import BURSTS, POISSON
from bench.fleet_plans import OTHER_WAYS, PICTURES, PUSH_WAYS, WAYS, Way, plan
from bench.fleet_runs import Plan, always, figures_of
from bench.fleet_scaling import (
    Scaler,
    cloud_run,
    cloud_run_wants,
    crema,
    fixed,
    hpa_may_grow_to,
    hpa_wants,
    runpod_by_count,
    runpod_by_delay,
)
from bench.fleet_simulation import Fleet, Simulation

CREMA, RUNPOD = OTHER_WAYS[0], OTHER_WAYS[3]


def short(way: Way) -> Plan:
    """Ten minutes of thirty pictures a minute."""
    usual = plan(PICTURES, way, POISSON, 1)
    fleet = PICTURES.fleet(way, 30)
    return replace(usual, per_minute=30, seconds=600, warm_up_seconds=0, fleet=fleet)


def run(fleet: Fleet, moments: list[float], scaler: Scaler) -> Simulation:
    simulation = Simulation(fleet, Random(1))
    simulation.run(moments, scaler)
    return simulation


def test_cloud_run_keeps_its_instances_at_three_fifths() -> None:
    assert cloud_run_wants(6.0, 6) == 10
    assert cloud_run_wants(0.0, 4) == 4


def test_kubernetes_lets_a_tenth_be() -> None:
    assert hpa_wants(109, 100) == 100
    assert hpa_wants(111, 100) == 111
    assert hpa_wants(3, 0) == 3


def test_kubernetes_grows_twofold_or_by_four() -> None:
    assert [hpa_may_grow_to(workers) for workers in (0, 1, 4, 10)] == [4, 5, 8, 20]


def test_a_worker_pool_hears_of_the_first_message_after_two_minutes() -> None:
    fleet = Fleet(job_seconds=always(1.0), cold_start_seconds=10.0)
    (job,) = run(fleet, [1.0], crema).finished
    sampled = given.METRIC_PERIOD_SECONDS
    assert job.started >= sampled + given.METRIC_DELAY_SECONDS + 10.0
    latest = sampled + given.METRIC_DELAY_SECONDS + given.CREMA_POLL_SECONDS + 10.0
    assert job.started <= latest


@pytest.mark.parametrize(
    ("scaler", "looks"),
    [
        (cloud_run, given.RUN_EVALUATES_SECONDS),
        (runpod_by_delay, given.RUNPOD_EVALUATES_SECONDS),
        (runpod_by_count, given.RUNPOD_EVALUATES_SECONDS),
    ],
)
def test_elsewhere_it_waits_for_a_cold_start(scaler: Scaler, looks: float) -> None:
    fleet = Fleet(job_seconds=always(1.0), cold_start_seconds=10.0)
    (job,) = run(fleet, [0.5], scaler).finished
    assert 10.0 <= job.started - job.arrived <= 10.0 + looks


def test_runpod_adds_no_second_worker_before_the_delay() -> None:
    fleet = Fleet(job_seconds=always(3.0), least=1)
    patient = run(fleet, [1.0, 1.1], runpod_by_delay)
    assert patient.most_workers == 1
    late = run(fleet, [1.0, 1.1, 1.2, 1.3], runpod_by_delay)
    assert late.most_workers == 3


def test_idle_flex_workers_go_after_five_seconds() -> None:
    fleet = Fleet(job_seconds=always(1.0))
    simulation = run(fleet, [0.5, 4.5, 60.5], runpod_by_count)
    # It starts at 1, works until 2 and from 4.5 to 5.5, and is seen to be idle at 11. Then from 61.
    assert simulation.wanted.until(simulation.env.now) == pytest.approx(10.0 + 1.0)


def test_a_quota_is_kept() -> None:
    unlimited = short(RUNPOD)
    limited = replace(unlimited, fleet=replace(unlimited.fleet, most=2))
    assert figures_of(unlimited, seed=1).most_workers > 2
    figures = figures_of(limited, seed=1)
    assert figures.most_workers == 2
    assert figures.wait_p95 > 60


def test_a_job_whose_worker_is_taken_away_begins_anew_and_ends_once() -> None:
    moments = list(BURSTS.moments(Random(2), per_second=1.0, seconds=3600))
    simulation = run(PICTURES.fleet(CREMA, 60), moments, crema)
    assert sorted(job.arrived for job in simulation.finished) == moments
    # Work that is done twice keeps the GPU busy for longer than the jobs alone need.
    busy = simulation.busy.until(simulation.env.now)
    assert busy > len(moments) * given.PICTURE_SECONDS + 1


@pytest.mark.parametrize("way", WAYS, ids=lambda it: it.name)
def test_littles_law_holds_and_nothing_is_lost(way: Way) -> None:
    few = short(way)
    figures = figures_of(few, seed=1)
    assert figures.in_system == pytest.approx(figures.rate_times_sojourn)
    assert 0 < figures.use <= 1
    assert figures.cost_a_job > given.PICTURE_SECONDS * min(way.price, way.least_price)
    moments = list(POISSON.moments(Random(1), per_second=0.5, seconds=600))
    simulation = run(few.fleet, moments, way.scaler)
    assert sorted(job.arrived for job in simulation.finished) == moments


def test_the_same_seed_makes_the_same_figures() -> None:
    plans = short(PUSH_WAYS[1])
    assert figures_of(plans, seed=1) == figures_of(plans, seed=1)
    assert figures_of(plans, seed=1) != figures_of(plans, seed=2)


def test_a_slot_that_opens_late_takes_no_job_from_an_idle_worker() -> None:
    early = Fleet(job_seconds=always(10.0), slots=2, least=2)
    late = replace(early, opens_before_end=1.0)
    moments = [float(100 * number + second) for number in range(50) for second in (0, 1)]
    waited = [
        sum(job.started > job.arrived for job in run(fleet, moments, fixed).finished)
        for fleet in (early, late)
    ]
    # Of fifty pairs each second job goes to one of two workers, of which one is busy.
    assert 10 < waited[0] < 40
    assert waited[1] == 0


def test_a_slot_that_opens_late_saves_the_gap_too() -> None:
    fleet = Fleet(job_seconds=always(10.0), slots=2, opens_before_end=1.0, least=1)
    assert run(fleet, [0.0] * 8, fixed).finished[-1].ended == pytest.approx(80.0)


def test_two_slots_save_the_gap_and_a_batch_its_gain() -> None:
    """All there at once, so that nothing else counts."""
    one = Fleet(job_seconds=always(10.0), gap_seconds=1.0, least=1)
    two = replace(one, slots=2, gap_seconds=0.0)
    four = replace(two, slots=4, batch=4, batch_gain=2.0)
    everything = [0.0] * 8
    ends = [run(fleet, everything, fixed).finished[-1].ended for fleet in (one, two, four)]
    # The first job begins alone: it is there before the others.
    assert ends == [pytest.approx(87.0), pytest.approx(80.0), pytest.approx(10 + 20 + 15)]
