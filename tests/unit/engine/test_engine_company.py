"""The engine process with several jobs in one batch: what they share, and what ends them all."""

import logging
import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.batching import rows_that_pay
from gpu_worker.engine.choice import ModelChoice
from gpu_worker.engine.options import EngineOptions
from gpu_worker.engine.serving import choose_batches
from gpu_worker.lifecycle.handled import Done
from gpu_worker.ports import EngineJob, EngineProgress
from shared.errors import ErrorCode, GenerationError
from shared.paths import GenerationPath
from tests.contract.engine_jobs import all_waiting, kept_busy
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job
from tests.unit.engine.test_engine_process import pid_of
from tests.unit.lifecycle.world import World

#: Left to an engine that is short of memory: enough for small pictures, not for one whose pixels
#: are 12 MB, and 16 while it is scaled up.
ROOM_BYTES = 10 * 2**20
ROWS = 4


@pytest.fixture(scope="module")
def company() -> Iterator[EngineProcess]:
    process = EngineProcess("shapes", batch_rows=ROWS)
    process.start()
    process.wait_ready(PATIENCE_SECONDS)
    yield process
    process.close()


def wishes(count: int, **parameters: Any) -> list[EngineJob]:
    return [make_job(seed, refiner_inference_steps=0, **parameters) for seed in range(count)]


def test_jobs_that_wait_are_denoised_step_by_step_together_and_share_the_seconds(
    company: EngineProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    jobs = wishes(ROWS + 1, num_inference_steps=4)
    heard: list[tuple[str, int]] = []

    def note(job: EngineJob, progress: EngineProgress) -> None:
        if progress.stage == "denoise":
            heard.append((job.job_id, progress.step))

    with all_waiting(company, jobs, note) as runs:
        results = [it.result(PATIENCE_SECONDS) for it in runs]
    names = [job.job_id for job in jobs]
    batch, late = names[:ROWS], names[ROWS]
    assert heard == [
        *((name, step) for step in range(5) for name in batch),
        *((late, step) for step in range(5)),
    ]
    assert f"drawn together: {', '.join(batch)}" in caplog.text
    shares = [it.timings["denoise"] for it in results]
    assert shares[:ROWS] == pytest.approx([shares[0]] * ROWS)


def test_a_process_that_dies_under_a_batch_costs_nobody_a_try(company: EngineProcess) -> None:
    victim = pid_of(company)
    killed: list[int] = []
    jobs = wishes(3, num_inference_steps=12)
    fractions: dict[str, list[float]] = {job.job_id: [] for job in jobs}

    def kill_at_two(job: EngineJob, progress: EngineProgress) -> None:
        fractions[job.job_id].append(progress.fraction)
        if progress.step == 2 and not killed:
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    with all_waiting(company, jobs, kill_at_two) as runs:
        assert all(len(it.result(PATIENCE_SECONDS).pictures) == 1 for it in runs)
    assert killed == [victim]
    assert pid_of(company) != victim
    for heard in fractions.values():
        assert heard == sorted(heard)
        assert heard[-1] == 1


def test_who_does_not_fit_into_memory_fails_and_its_company_does_not(
    company: EngineProcess,
) -> None:
    process = psutil.Process(pid_of(company))
    shared: dict[str, Any] = {"num_inference_steps": 2, "refiner_inference_steps": 0}
    # What is set up once is there before memory gets short.
    with all_waiting(company, [make_job(**shared) for _ in range(3)]) as runs:
        assert all(len(it.result(PATIENCE_SECONDS).pictures) == 1 for it in runs)
    room = process.memory_info().vms + ROOM_BYTES
    jobs = [make_job(**shared), make_job(width=2048, height=2048, **shared), make_job(**shared)]
    resource.prlimit(process.pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    try:
        with all_waiting(company, jobs) as runs:
            with pytest.raises(GenerationError) as failure:
                runs[1].result(PATIENCE_SECONDS)
            assert all(len(runs[it].result(PATIENCE_SECONDS).pictures) == 1 for it in (0, 2))
    finally:
        everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process.pid, resource.RLIMIT_AS, everything)
    assert failure.value.code is ErrorCode.OUT_OF_MEMORY
    assert pid_of(company) == process.pid


def test_generations_of_several_people_are_completed_out_of_one_batch(
    company: EngineProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    paths = [GenerationPath(uid=uid, generation_id="g1") for uid in ("ada", "bob", "cleo")]
    with ThreadPoolExecutor(len(paths)) as pool, ThreadPoolExecutor(2) as files:
        world = World(pool, files)
        worker = world.worker(engine=company)
        with kept_busy(company) as until_waiting:
            for path in paths:
                world.submit(path)
            runs = [worker.start(path) for path in paths]
            until_waiting(len(runs))
        assert [it.result(PATIENCE_SECONDS) for it in runs] == [Done()] * len(paths)
        world.close()
    (line,) = (it.message for it in caplog.records if "drawn together" in it.message)
    assert all(str(path) in line for path in paths)
    for path in paths:
        document = world.documents.data(path)
        assert document["status"] == "completed"
        assert document["output"]["files"][0]["storage_path"].startswith(f"{path}/")
        own = sum(document["timings"][it] for it in ("encode", "denoise", "refine", "decode"))
        assert document["cost"]["gpu_seconds"] == pytest.approx(own, abs=0.001)


class Timed:
    """A model, as far as it is timed."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds = seconds

    def time_batches(self) -> dict[int, float]:
        return self.seconds


def options(**parameters: Any) -> EngineOptions:
    return EngineOptions(models=ModelChoice(picture="shapes", film="none"), **parameters)


def test_only_a_trial_that_pays_makes_batches_of_their_own_accord() -> None:
    pays, full = {1: 1.0, 2: 1.3}, {1: 1.0, 2: 1.98}
    assert rows_that_pay(pays) == 2
    assert choose_batches(Timed(pays), options(batch_rows=None)) == (pays, 2)
    assert choose_batches(Timed(full), options(batch_rows=None)) == (full, 1)


def test_a_number_of_rows_is_taken_untried_and_fixed_results_allow_none() -> None:
    pays = {1: 1.0, 2: 1.3}
    assert choose_batches(Timed(pays), options(batch_rows=3)) == ({}, 3)
    assert choose_batches(Timed(pays), options(batch_rows=None, deterministic=True)) == ({}, 1)
    assert choose_batches(Timed(pays), options(batch_rows=3, deterministic=True)) == ({}, 1)
