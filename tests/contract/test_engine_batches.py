"""What every `Engine` that draws in batches does: whoever runs a job notices nothing of the others.

Over the real engine process and the one in memory.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import PICTURE_TASKS
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineJob, EngineProgress, JobCancelled, Pixels
from shared.errors import ErrorCode, GenerationError
from tests.contract.engine_jobs import STEPS_AFTER_A_CANCEL, all_waiting
from tests.unit.engine.company import assert_same
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job

#: More than the jobs of a test have.
ROWS = 8
#: Enough for a cancellation to arrive in the middle.
STEPS = 16
KINDS: dict[str, Callable[[], EngineProcess | InMemoryEngine]] = {
    "process": lambda: EngineProcess("shapes", batch_rows=ROWS),
    "in memory": lambda: InMemoryEngine(tasks=PICTURE_TASKS, batch_rows=ROWS),
}
PROMPTS = ("a red circle", "a yellow triangle on blue", "a green box on white")


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> Iterator[EngineProcess | InMemoryEngine]:
    engine = KINDS[request.param]()
    engine.start()
    engine.wait_ready(PATIENCE_SECONDS)
    yield engine
    engine.close()


def wishes(**parameters: Any) -> list[EngineJob]:
    return [
        make_job(seed, prompt=prompt, refiner_inference_steps=0, **parameters)
        for seed, prompt in enumerate(PROMPTS)
    ]


def pictures(engine: EngineProcess | InMemoryEngine, job: EngineJob) -> list[Pixels]:
    """As it draws them alone."""
    alone = replace(job, job_id=f"{job.job_id} alone", time_limit_seconds=None)
    return [it.pixels for it in engine.run(alone, lambda _: None).pictures]


def test_it_says_how_many_rows_a_batch_has(engine: EngineProcess | InMemoryEngine) -> None:
    assert engine.wait_ready(PATIENCE_SECONDS).batch_rows == ROWS


def test_jobs_that_wait_together_each_get_their_own_pictures_and_progress(
    engine: EngineProcess | InMemoryEngine,
) -> None:
    jobs = wishes(num_inference_steps=5)
    heard: dict[str, list[EngineProgress]] = {job.job_id: [] for job in jobs}
    with all_waiting(engine, jobs, lambda job, it: heard[job.job_id].append(it)) as runs:
        results = [run.result(PATIENCE_SECONDS) for run in runs]
    for job, result in zip(jobs, results, strict=True):
        assert [it.seed for it in result.pictures] == [job.seed]
        assert_same([it.pixels for it in result.pictures], pictures(engine, job))
        steps = [it.step for it in heard[job.job_id]]
        assert steps == sorted(steps)
        assert set(steps) == set(range(6))
        assert {it.total_steps for it in heard[job.job_id]} == {5}
        assert sum(it.preview is not None for it in heard[job.job_id]) > 1


def test_jobs_that_cannot_share_a_batch_are_drawn_all_the_same(
    engine: EngineProcess | InMemoryEngine,
) -> None:
    jobs = [
        *wishes(num_inference_steps=3),
        make_job(num_inference_steps=2),
        make_job(num_images=ROWS + 1, num_inference_steps=1),
        *wishes(num_inference_steps=3),
    ]
    with all_waiting(engine, jobs) as runs:
        counts = [len(run.result(PATIENCE_SECONDS).pictures) for run in runs]
    assert counts == [1, 1, 1, 1, ROWS + 1, 1, 1, 1]


def test_who_is_cancelled_among_others_stops_within_a_step_and_they_go_on(
    engine: EngineProcess | InMemoryEngine,
) -> None:
    jobs = wishes(num_inference_steps=STEPS)
    steps: list[int] = []

    def cancel_second_at_three(job: EngineJob, progress: EngineProgress) -> None:
        if job is jobs[1]:
            steps.append(progress.step)
            if progress.step == 3:
                engine.cancel(job.job_id)

    with all_waiting(engine, jobs, cancel_second_at_three) as runs:
        with pytest.raises(JobCancelled):
            runs[1].result(PATIENCE_SECONDS)
        left = [runs[index].result(PATIENCE_SECONDS) for index in (0, 2)]
    assert steps[-1] <= 3 + STEPS_AFTER_A_CANCEL
    for job, result in zip((jobs[0], jobs[2]), left, strict=True):
        assert_same([it.pixels for it in result.pictures], pictures(engine, job))


def test_who_is_at_its_time_limit_among_others_stops_and_they_go_on(
    engine: EngineProcess | InMemoryEngine,
) -> None:
    limit = 0.02
    # A process draws on while its listener dawdles, and its limit is looked at each half second.
    jobs = wishes(num_inference_steps=5 * STEPS)
    jobs[0] = replace(jobs[0], time_limit_seconds=limit)

    def dawdle_at_three(job: EngineJob, progress: EngineProgress) -> None:
        if job is jobs[0] and progress.step == 3:
            # The time itself is what counts here.
            threading.Event().wait(5 * limit)

    with all_waiting(engine, jobs, dawdle_at_three) as runs:
        with pytest.raises(GenerationError) as late:
            runs[0].result(PATIENCE_SECONDS)
        assert all(len(run.result(PATIENCE_SECONDS).pictures) == 1 for run in runs[1:])
    assert late.value.code is ErrorCode.TIMED_OUT
