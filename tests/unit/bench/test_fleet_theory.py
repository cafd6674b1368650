"""Where queueing theory knows the answer, the simulation finds it."""

from collections.abc import Callable
from random import Random

import pytest

from bench.fleet_arrivals import BURSTS, DAY, DAY_SECONDS, POISSON, Pattern
from bench.fleet_runs import always
from bench.fleet_scaling import fixed
from bench.fleet_simulation import Fleet, Simulation

#: Of a mean over some ten thousand waits, which depend on each other.
TOLERANCE = 0.05


def erlang_c(servers: int, load: float) -> float:
    """The chance of having to wait (Erlang, 1917); `load` is what keeps so many servers busy."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    use = load / servers
    return blocked / (1 - use * (1 - blocked))


def waits_of(
    servers: int, job_seconds: Callable[[Random], float], *, per_second: float, seconds: float
) -> list[float]:
    rng = Random(1)
    simulation = Simulation(Fleet(job_seconds=job_seconds, least=servers), rng)
    moments = POISSON.moments(rng, per_second=per_second, seconds=seconds)
    simulation.run(moments, fixed)
    return [job.started - job.arrived for job in simulation.finished]


@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (4, 3.2), (20, 17.0)])
def test_exponential_jobs_wait_as_erlang_says(servers: int, load: float) -> None:
    waits = waits_of(
        servers, lambda rng: rng.expovariate(1), per_second=load, seconds=50_000 / load
    )
    chance = erlang_c(servers, load)
    assert sum(wait > 0 for wait in waits) / len(waits) == pytest.approx(chance, rel=TOLERANCE)
    mean = chance / (servers - load)
    assert sum(waits) / len(waits) == pytest.approx(mean, rel=2 * TOLERANCE)


@pytest.mark.parametrize("use", [0.4, 0.7])
def test_constant_jobs_on_one_server_wait_as_pollaczek_and_khinchine_say(use: float) -> None:
    waits = waits_of(1, always(1.0), per_second=use, seconds=50_000)
    assert sum(waits) / len(waits) == pytest.approx(use / (2 * (1 - use)), rel=TOLERANCE)


def test_jobs_that_come_one_by_one_never_wait() -> None:
    simulation = Simulation(Fleet(job_seconds=always(0.9), least=1), Random(1))
    end = simulation.run(map(float, range(1, 101)), fixed)
    assert [job.started - job.arrived for job in simulation.finished] == [0.0] * 100
    assert simulation.busy.until(end) == pytest.approx(90.0)


@pytest.mark.parametrize("pattern", [POISSON, DAY, BURSTS], ids=lambda it: it.name)
def test_as_many_come_on_the_average_as_are_asked_for(pattern: Pattern) -> None:
    moments = list(pattern.moments(Random(1), per_second=0.5, seconds=DAY_SECONDS))
    assert moments == sorted(moments)
    assert len(moments) == pytest.approx(0.5 * DAY_SECONDS, rel=0.02)


@pytest.mark.parametrize("pattern", [POISSON, DAY, BURSTS], ids=lambda it: it.name)
def test_no_moment_is_busier_than_a_pattern_says(pattern: Pattern) -> None:
    """Thinning would cut it off in silence."""
    rates = [pattern.shape(second) for second in range(0, int(DAY_SECONDS), 7)]
    assert max(rates) <= pattern.highest
    assert min(rates) >= 0
