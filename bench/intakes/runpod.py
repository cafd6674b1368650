"""What a RunPod job costs beyond the engine's time, and how long the engine idles between two jobs.

Ours and a plain handler, both under RunPod's real loop against the double of its API, in the same
run. The engine only sleeps, so that everything else is what is measured.
"""

import itertools
import tempfile
import time
from pathlib import Path

from tests.unit.runpod.conftest import running_endpoint
from tests.unit.runpod.double import RunPod
from tests.unit.runpod.light_endpoint import SLOW_STEP_SECONDS

#: As long as a picture on a GPU, and no multiple of the second that the loop waits now and then.
STEPS = 23
ENGINE_SECONDS = STEPS * SLOW_STEP_SECONDS
JOB = {"prompt": "slow", "seed": 7, "num_inference_steps": STEPS, "width": 64, "height": 64}
SINGLE_JOBS = 10
QUEUED_JOBS = 15
WARM_UP_JOBS = 2
OURS = "tests.unit.runpod.light_endpoint"
PEER = "bench.intakes.plain_runpod_worker"


def measure(module: str) -> tuple[list[float], list[float]]:
    """Seconds beyond the engine's: of jobs alone, and between the results of queued ones."""
    with tempfile.TemporaryDirectory() as folder, RunPod() as runpod:
        variables = {**runpod.environment, "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true"}
        with running_endpoint(Path(folder), module=module, **variables):
            for _ in range(WARM_UP_JOBS):
                runpod.result(runpod.submit(JOB))
            alone = []
            for _ in range(SINGLE_JOBS):
                started = time.monotonic()
                job = runpod.submit(JOB)
                runpod.result(job)
                alone.append(done_at(runpod, job) - started - ENGINE_SECONDS)
            jobs = [runpod.submit(JOB) for _ in range(QUEUED_JOBS)]
            for job in jobs:
                runpod.result(job)
            ends = sorted(done_at(runpod, job) for job in jobs)
            runpod.hang_up()  # else the plain one would go on for as long as its calls do
            between = [after - before for before, after in itertools.pairwise(ends)]
    return alone, [gap - ENGINE_SECONDS for gap in between]


def plain_gaps(runpod: RunPod, jobs: int, *, steps: int) -> list[float]:
    """Seconds between the results of `jobs` that are all there at once, less their own; a plain
    handler's endpoint of `runpod` runs."""
    asked = [runpod.submit({**JOB, "num_inference_steps": steps}) for _ in range(jobs)]
    for job in asked:
        runpod.result(job)
    ends = sorted(done_at(runpod, job) for job in asked)
    seconds = steps * SLOW_STEP_SECONDS
    return [after - before - seconds for before, after in itertools.pairwise(ends)]


def done_at(runpod: RunPod, job: str) -> float:
    return next(it.at for it in runpod.posts(job) if not it.is_progress)
