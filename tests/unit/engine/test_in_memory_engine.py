"""The scripts that the in-memory engine plays; what it shares with the real one is a contract."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.ports import EngineProgress, JobCancelled
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run, run_and_record


def test_a_held_job_waits_at_its_step_until_it_is_released() -> None:
    engine = InMemoryEngine(lambda _: Script(steps=4, hold_at=3))
    job = make_job()
    reported: list[EngineProgress] = []
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run, job, reported.append)
        engine.wait_held(job.job_id, PATIENCE_SECONDS)
        assert [it.step for it in reported] == [0, 1, 2]
        engine.release(job.job_id)
        assert len(running.result(PATIENCE_SECONDS).pictures) == 1
    assert reported[-1].step == 4


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_held_job_can_be_ended(end: str) -> None:
    engine = InMemoryEngine(lambda _: Script(hold_at=1))
    job = make_job()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run, job, lambda _: None)
        engine.wait_held(job.job_id, PATIENCE_SECONDS)
        if end == "cancel":
            engine.cancel(job.job_id)
        else:
            engine.close()
        assert isinstance(running.exception(PATIENCE_SECONDS), JobCancelled)


def test_waiting_for_a_job_that_is_not_held_times_out() -> None:
    with pytest.raises(TimeoutError, match="nobody"):
        InMemoryEngine().wait_held("nobody", 0.01)


def test_a_crash_comes_at_its_step_and_the_next_job_works() -> None:
    scripts = iter((Script(fail_at=2), Script()))
    engine = InMemoryEngine(lambda _: next(scripts))
    with pytest.raises(GenerationError) as crash:
        run(engine)
    assert crash.value.code is ErrorCode.ENGINE_CRASHED
    result, reported = run_and_record(engine, num_inference_steps=6)
    assert reported[-1].total_steps == 6
    assert len(result.pictures) == 1
    assert len(engine.ran) == 2


def test_a_failure_is_the_scripts_own() -> None:
    failure = GenerationError(ErrorCode.OUT_OF_MEMORY, "too big")
    engine = InMemoryEngine(lambda _: Script(fail_at=1, failure=failure))
    with pytest.raises(GenerationError, match="too big"):
        run(engine)
