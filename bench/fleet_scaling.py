"""How many workers there are: the documented rules of Cloud Run, CREMA (KEDA) and RunPod.

Each looks at a simulation as often as the platform does, and acts. What the providers' pages leave
open is said to be assumed in `bench.fleet_inputs`. Cloud Run's services and RunPod take away idle
workers only; a worker pool shrinks without knowing who is idle.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from bench import fleet_inputs as given
from bench.fleet_simulation import Process, Simulation

Scaler: TypeAlias = Callable[[Simulation], Process]


def fixed(simulation: Simulation) -> Process:
    """As many workers as there were at the start."""
    yield simulation.env.timeout(0)


def cloud_run_wants(mean_busy: float, unfinished: int) -> int:
    """Instances of one request each: not used above the target, and one for each that waits."""
    return max(math.ceil(mean_busy / given.RUN_TARGET), unfinished)


def cloud_run(simulation: Simulation) -> Process:
    period, fleet = given.RUN_EVALUATES_SECONDS, simulation.fleet
    looks = deque([0.0], maxlen=round(given.RUN_WINDOW_SECONDS / period) + 1)
    while True:
        yield simulation.env.timeout(period)
        looks.append(simulation.busy.until(simulation.env.now))
        mean_busy = (looks[-1] - looks[0]) / (period * (len(looks) - 1))
        wanted = cloud_run_wants(mean_busy, simulation.unfinished)
        _grow_to(simulation, wanted)
        simulation.stop_idle(given.RUN_IDLE_SECONDS, keep=max(wanted, fleet.least))


def hpa_wants(messages: int, workers: int) -> int:
    """The ratio rule of Kubernetes' autoscaler on an average a worker, with its tolerance."""
    if workers and abs(messages / (given.CREMA_TARGET * workers) - 1) <= given.HPA_TOLERANCE:
        return workers
    return math.ceil(messages / given.CREMA_TARGET)


def hpa_may_grow_to(workers: int) -> int:
    """By default twice as many or four more, whichever is more, in 15 s."""
    return int(max(workers * given.HPA_GROWTH, workers + given.HPA_STEP))


def crema(simulation: Simulation) -> Process:
    """Sees the queue as it was: the metric is sampled now and then, and shown late."""
    fleet, poll = simulation.fleet, given.CREMA_POLL_SECONDS
    samples: deque[tuple[float, int]] = deque()
    past: deque[tuple[float, int]] = deque()
    seen, next_sample = 0, 0.0
    while True:
        now = simulation.env.now
        if now >= next_sample:
            samples.append((now + given.METRIC_DELAY_SECONDS, simulation.unfinished))
            next_sample += given.METRIC_PERIOD_SECONDS
        while samples and samples[0][0] <= now:
            seen = samples.popleft()[1]
        workers = len(simulation.workers)
        past.append((now, hpa_wants(seen, workers)))
        while past[0][0] < now - given.HPA_DOWN_SECONDS:
            past.popleft()
        newest, highest = past[-1][1], max(wanted for _, wanted in past)
        if newest > workers:
            _grow_to(simulation, min(newest, hpa_may_grow_to(workers)))
        elif highest < workers:
            simulation.stop_any(workers - max(highest, fleet.least))
        yield simulation.env.timeout(poll)


def runpod_by_delay(simulation: Simulation) -> Process:
    """A worker for each job that waits for too long, but for those that are starting already."""
    while True:
        yield simulation.env.timeout(given.RUNPOD_EVALUATES_SECONDS)
        overdue = simulation.env.now - given.RUNPOD_DELAY_SECONDS
        late = sum(job.arrived <= overdue for job in simulation.backlog)
        if simulation.workers:
            _grow_to(simulation, len(simulation.workers) + max(0, late - simulation.starting))
        elif simulation.backlog:
            _grow_to(simulation, 1)
        simulation.stop_idle(given.RUNPOD_IDLE_SECONDS, keep=simulation.fleet.least)


def runpod_by_count(simulation: Simulation) -> Process:
    """Waiting and running jobs, divided by the set count."""
    while True:
        yield simulation.env.timeout(given.RUNPOD_EVALUATES_SECONDS)
        _grow_to(simulation, math.ceil(simulation.unfinished / given.RUNPOD_COUNT))
        simulation.stop_idle(given.RUNPOD_IDLE_SECONDS, keep=simulation.fleet.least)


def _grow_to(simulation: Simulation, wanted: int) -> None:
    for _ in range(min(wanted, simulation.fleet.most) - len(simulation.workers)):
        simulation.start_worker()
