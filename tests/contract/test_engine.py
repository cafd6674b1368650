"""What every `Engine` does, run over the real engine process and the one in memory."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import (
    Engine,
    EngineProgress,
    EngineUnavailable,
    JobCancelled,
    LoraFile,
    Pixels,
)
from shared.errors import ErrorCode, GenerationError
from tests.contract.engine_jobs import (
    KINDS,
    MANY_STEPS,
    STEPS_AFTER_A_CANCEL,
    CancelAtThree,
    Gate,
    ready,
)
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run, run_and_record
from tests.unit.engine.lora_files import OTHER, build_loras, lora_of
from tests.unit.engine.published import PublishedLibraries

#: The engine gets decoded images, and does not look at their addresses.
SOMEWHERE = "gs://bucket/image.png"


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield from ready(KINDS[request.param]())


@pytest.fixture(scope="module")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with PublishedLibraries() as published:
        return build_loras(tmp_path_factory.mktemp("loras"), published)


@pytest.fixture(params=KINDS)
def fresh_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Not started."""
    engine = KINDS[request.param]()
    yield engine
    engine.close()


def test_a_ready_engine_says_what_it_is(engine: Engine) -> None:
    info = engine.wait_ready(PATIENCE_SECONDS)
    assert info.models
    assert info.device == "cpu" or info.device.startswith("cuda")
    assert info.device_name
    assert engine.info == info


def test_a_closed_engine_has_no_model_to_tell_of(fresh_engine: Engine) -> None:
    fresh_engine.close()
    assert fresh_engine.info is None


def test_pictures_have_the_size_and_the_seeds_asked_for(engine: Engine) -> None:
    result = run(engine, 41, width=192, height=136, num_images=2, num_inference_steps=2)
    assert [it.seed for it in result.pictures] == [41, 42]
    assert [it.pixels.shape for it in result.pictures] == [(136, 192, 3)] * 2
    assert all(it.pixels.dtype == np.uint8 for it in result.pictures)
    assert result.model in engine.wait_ready(PATIENCE_SECONDS).models


def test_the_seed_decides_the_picture(engine: Engine) -> None:
    first, again, other = (run(engine, seed, num_inference_steps=2) for seed in (7, 7, 8))
    assert np.array_equal(first.pictures[0].pixels, again.pictures[0].pixels)
    assert not np.array_equal(first.pictures[0].pixels, other.pictures[0].pixels)


def test_progress_passes_the_stages_in_order_and_ends_at_the_total(engine: Engine) -> None:
    _, reported = run_and_record(engine, num_inference_steps=9, refiner_inference_steps=0)
    stages = [it.stage for it in reported]
    assert list(dict.fromkeys(stages)) == ["encode", "denoise", "decode"]
    steps = [it.step for it in reported]
    assert steps == sorted(steps)
    assert set(range(10)) == set(steps)
    assert {it.total_steps for it in reported} == {9}


def test_a_job_that_begins_with_an_image_has_its_size(engine: Engine) -> None:
    image = np.full((136, 192, 3), 200, np.uint8)
    job = make_job(image=image, image_url=SOMEWHERE, num_inference_steps=4)
    (picture,) = engine.run(job, lambda _: None).pictures
    assert picture.pixels.shape == (136, 192, 3)
    mask = np.zeros((136, 192), np.uint8)
    mask[:64] = 255
    job = make_job(image=image, mask=mask, image_url=SOMEWHERE, mask_url=SOMEWHERE)
    (picture,) = engine.run(job, lambda _: None).pictures
    assert picture.pixels.shape == (136, 192, 3)


def test_a_lora_counts_for_its_job_and_not_for_the_next(engine: Engine, lora_folder: Path) -> None:
    def draw(*loras: LoraFile) -> Pixels:
        job = make_job(loras=loras, num_inference_steps=2)
        return engine.run(job, lambda _: None).pictures[0].pixels

    lora = lora_of(lora_folder, OTHER)
    plain, changed, more = draw(), draw(lora), draw(replace(lora, weight=2))
    assert not np.array_equal(changed, plain)
    assert not np.array_equal(more, changed)
    assert np.array_equal(draw(replace(lora, weight=0)), plain)
    assert np.array_equal(draw(lora), changed)
    assert np.array_equal(draw(), plain)


def test_a_preview_comes_with_the_first_step_and_again_later(engine: Engine) -> None:
    _, reported = run_and_record(engine, num_inference_steps=9, refiner_inference_steps=0)
    shown = [it for it in reported if it.preview is not None]
    assert shown[0].step == 1
    assert 2 <= len(shown) < 9
    for it in shown:
        assert it.preview is not None
        assert it.preview.shape == (16, 16, 3)
        assert it.preview.dtype == np.uint8


def test_a_job_at_its_time_limit_stops_with_a_sentence_and_the_next_one_works(
    engine: Engine,
) -> None:
    limit = 0.2
    job = replace(make_job(num_inference_steps=MANY_STEPS, num_images=2), time_limit_seconds=limit)
    steps: list[int] = []

    def dawdle_at_three(progress: EngineProgress) -> None:
        steps.append(progress.step)
        if progress.step == 3:
            # The time itself is what counts here.
            threading.Event().wait(5 * limit)

    with pytest.raises(GenerationError) as late:
        engine.run(job, dawdle_at_three)
    assert late.value.code is ErrorCode.TIMED_OUT
    assert not late.value.retryable
    assert late.value.message == (
        "The generation took longer than the 0.2 seconds that text2img may take here; ask for "
        "fewer steps, fewer images or a smaller size."
    )
    assert steps[-1] < MANY_STEPS
    assert engine.ready
    patient = replace(make_job(num_inference_steps=2), time_limit_seconds=PATIENCE_SECONDS)
    assert len(engine.run(patient, lambda _: None).pictures) == 1


def test_a_cancelled_job_stops_within_a_step_and_the_next_one_works(engine: Engine) -> None:
    job = make_job(num_inference_steps=MANY_STEPS)
    listener = CancelAtThree(engine, job.job_id)
    with pytest.raises(JobCancelled):
        engine.run(job, listener)
    assert listener.steps[-1] <= 3 + STEPS_AFTER_A_CANCEL
    assert len(run(engine, num_inference_steps=2).pictures) == 1


def test_a_job_that_waits_for_its_turn_can_be_cancelled(engine: Engine) -> None:
    first, second = (make_job(num_inference_steps=3) for _ in range(2))
    gate = Gate[EngineProgress]()
    second_reported: list[EngineProgress] = []
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(engine.run, first, gate)
        assert gate.reached.wait(PATIENCE_SECONDS)
        waiting = threads.submit(engine.run, second, second_reported.append)
        # Whether it is in line by now or not: it never starts, since it is asked for until it ends.
        while not waiting.done():
            engine.cancel(second.job_id)
        assert isinstance(waiting.exception(), JobCancelled)
        gate.opened.set()
        assert len(running.result(PATIENCE_SECONDS).pictures) == 1
    assert second_reported == []


def test_cancelling_an_unknown_job_does_nothing(engine: Engine) -> None:
    engine.cancel("nobody")
    assert len(run(engine, num_inference_steps=2).pictures) == 1


def test_a_job_may_be_run_again_after_it_was_cancelled(engine: Engine) -> None:
    job = make_job(num_inference_steps=5)
    with pytest.raises(JobCancelled):
        engine.run(job, lambda _: engine.cancel(job.job_id))
    assert len(engine.run(job, lambda _: None).pictures) == 1


def test_jobs_of_several_threads_each_get_their_own_picture(engine: Engine) -> None:
    seeds = range(100, 106)
    alone = {seed: run(engine, seed, num_inference_steps=2).pictures[0].pixels for seed in seeds}
    with ThreadPoolExecutor(len(seeds)) as threads:
        results = list(threads.map(lambda seed: run(engine, seed, num_inference_steps=2), seeds))
    for seed, result in zip(seeds, results, strict=True):
        assert result.pictures[0].seed == seed
        assert np.array_equal(result.pictures[0].pixels, alone[seed])


def test_a_task_that_is_not_served_is_refused_with_a_sentence(engine: Engine) -> None:
    with pytest.raises(GenerationError) as refusal:
        run(engine, task_type="text2video")
    assert refusal.value.code is ErrorCode.UNSUPPORTED_TASK
    assert "this worker serves text2img, img2img, inpaint only" in refusal.value.message
    assert not refusal.value.retryable


def test_closing_ends_the_jobs_in_hand_and_takes_no_more(fresh_engine: Engine) -> None:
    fresh_engine.start()
    gate = Gate[EngineProgress]()
    gate.opened.set()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(fresh_engine.run, make_job(num_inference_steps=MANY_STEPS), gate)
        fresh_engine.close()
        error = running.exception(PATIENCE_SECONDS)
    # Unless the one in memory was done before it was closed.
    assert isinstance(error, JobCancelled) or gate.reached.is_set()
    with pytest.raises(JobCancelled):
        run(fresh_engine)
    with pytest.raises(GenerationError, match="closed"):
        fresh_engine.start()
    fresh_engine.close()


def broken_engines(folder: Path) -> dict[str, Engine]:
    reason = GenerationError(ErrorCode.INTERNAL, f"The model cannot be loaded from {folder}.")
    return {
        "process": EngineProcess("shapes", model_dir=folder),
        "in memory": InMemoryEngine(load_error=reason),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_that_cannot_load_says_why_to_whoever_asks(kind: str, tmp_path: Path) -> None:
    engine = broken_engines(tmp_path)[kind]
    with pytest.raises(GenerationError, match=str(tmp_path)):
        engine.wait_ready(PATIENCE_SECONDS)
    with pytest.raises(EngineUnavailable, match=str(tmp_path)):
        run(engine)
    engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_that_never_was_ready_is_no_loss(kind: str, tmp_path: Path) -> None:
    engine = broken_engines(tmp_path)[kind]
    told: list[EngineUnavailable] = []
    engine.watch(told.append)
    with pytest.raises(GenerationError):
        engine.wait_ready(PATIENCE_SECONDS)
    engine.close()
    assert told == []
