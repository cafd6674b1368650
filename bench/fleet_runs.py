"""One run of the simulation from its plan to its figures: waits, use and cost."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random

from bench.fleet_arrivals import Pattern
from bench.fleet_inputs import DISPATCH_SECONDS
from bench.fleet_scaling import Scaler
from bench.fleet_simulation import Fleet, Process, Simulation
from bench.report import percentile

#: Of float sums over a million events.
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    name: str
    fleet: Fleet
    scaler: Scaler
    pattern: Pattern
    per_minute: float
    seconds: float
    #: Not counted: the fleet finds its size.
    warm_up_seconds: float
    #: Dollars a second of a worker that comes and goes, and of one that is always there.
    price: float
    least_price: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    jobs: int
    #: Created → at work.
    wait_p50: float
    wait_p95: float
    #: Created → off the GPU.
    done_p50: float
    done_p95: float
    most_workers: int
    #: 0 … 1, of the GPU seconds that are paid.
    use: float
    #: Dollars.
    cost_a_job: float
    #: The number in the system on the average over the run, counted and by Little's law.
    in_system: float
    rate_times_sojourn: float

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def figures_of(plan: Plan, seed: int) -> Figures:
    """The same seed gives the same. Raises `ArithmeticError` where jobs were lost or made up."""
    rng = Random(f"{seed} {plan.name}")  # noqa: S311 - a simulation
    simulation = Simulation(plan.fleet, rng)
    at_mark = {"wanted": 0.0, "busy": 0.0}

    def mark() -> Process:
        yield simulation.env.timeout(plan.warm_up_seconds)
        now = simulation.env.now
        at_mark.update(wanted=simulation.wanted.until(now), busy=simulation.busy.until(now))

    simulation.env.process(mark())
    moments = plan.pattern.moments(rng, per_second=plan.per_minute / 60, seconds=plan.seconds)
    end = simulation.run(moments, plan.scaler)
    counted = simulation.jobs.until(end) / end
    expected = sum(job.ended - job.arrived for job in simulation.finished) / end
    if abs(counted - expected) > ROUNDING * max(1.0, expected):
        raise ArithmeticError(f"{plan.name}: Little's law is broken: {counted} ≠ {expected}")
    paid = simulation.wanted.until(end) - at_mark["wanted"]
    always = plan.fleet.least * (end - plan.warm_up_seconds)
    cost = always * plan.least_price + (paid - always) * plan.price
    jobs = [job for job in simulation.finished if job.arrived >= plan.warm_up_seconds]
    waits = [job.started - job.arrived + DISPATCH_SECONDS for job in jobs]
    done = [job.ended - job.arrived + DISPATCH_SECONDS for job in jobs]
    return Figures(
        jobs=len(jobs),
        wait_p50=percentile(waits, 0.5),
        wait_p95=percentile(waits, 0.95),
        done_p50=percentile(done, 0.5),
        done_p95=percentile(done, 0.95),
        most_workers=simulation.most_workers,
        use=(simulation.busy.until(end) - at_mark["busy"]) / paid,
        cost_a_job=cost / len(jobs),
        in_system=counted,
        rate_times_sojourn=expected,
    )


def always(seconds: float) -> Callable[[Random], float]:
    """Each job asks for the same."""
    return lambda _: seconds
