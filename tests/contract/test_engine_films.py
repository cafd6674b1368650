"""What every `Engine` does with films, run over the real engine process and the one in memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import NO_MODEL
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import Engine, Frames, JobCancelled
from shared.errors import ErrorCode, GenerationError
from shared.request import TaskType
from tests.contract.engine_jobs import (
    MANY_STEPS,
    STEPS_AFTER_A_CANCEL,
    CancelAtThree,
    Gate,
    ready,
)
from tests.unit.engine.films import FRAMES, film_job, shoot, shoot_and_tell
from tests.unit.engine.jobs import PATIENCE_SECONDS, run

KINDS: dict[str, Callable[[], Engine]] = {
    "process": lambda: EngineProcess(NO_MODEL, film_model="shapes-film"),
    "in memory": lambda: InMemoryEngine(tasks=(TaskType.TEXT2VIDEO,)),
}
PREVIEW_SIDE = 128


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield from ready(KINDS[request.param]())


def test_a_film_s_frames_come_before_its_result_and_are_as_many_as_it_says(engine: Engine) -> None:
    film, result, _ = shoot_and_tell(engine, film_job(41, num_frames=20))
    assert film.dtype == np.uint8
    assert film.shape == (21, 480, 832, 3)
    assert result.pictures == ()
    assert result.film is not None
    assert (result.film.frames, result.film.size, result.film.seed) == (21, (832, 480), 41)
    assert result.model in engine.wait_ready(PATIENCE_SECONDS).models
    assert set(result.timings) == {"encode", "denoise", "decode"}


def test_the_seed_decides_the_film(engine: Engine) -> None:
    film, again, other = (shoot(engine, seed) for seed in (7, 7, 8))
    assert np.array_equal(film, again)
    assert not np.array_equal(film, other)
    assert len({frame.tobytes() for frame in film}) > 1, "a film is no picture"


def test_a_film_s_frames_arrive_a_few_at_a_time(engine: Engine) -> None:
    counts: list[int] = []
    engine.run(film_job(), lambda _: None, lambda frames: counts.append(len(frames)))
    assert sum(counts) == FRAMES
    assert max(counts) <= 4


def test_progress_passes_the_stages_in_order_and_its_fraction_ends_at_one(engine: Engine) -> None:
    _, _, reported = shoot_and_tell(engine, film_job(num_inference_steps=9))
    assert list(dict.fromkeys(it.stage for it in reported)) == ["encode", "denoise", "decode"]
    assert [it.step for it in reported] == sorted(it.step for it in reported)
    assert {it.step for it in reported} == set(range(10))
    assert {it.total_steps for it in reported} == {9}
    fractions = [it.fraction for it in reported]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    decoding = [it.fraction for it in reported if it.stage == "decode"]
    assert len(set(decoding)) > 2, "decoding counts too"


def test_a_small_preview_comes_with_the_first_step_and_again_later(engine: Engine) -> None:
    _, _, reported = shoot_and_tell(engine, film_job(num_inference_steps=9))
    shown = [it for it in reported if it.preview is not None]
    assert shown[0].step == 1
    assert 2 <= len(shown) < 9
    for it in shown:
        assert it.preview is not None
        assert it.preview.dtype == np.uint8
        assert max(it.preview.shape[:2]) <= PREVIEW_SIDE


def test_a_film_cancelled_while_denoising_stops_within_a_step_and_has_no_frames(
    engine: Engine,
) -> None:
    job = film_job(num_inference_steps=MANY_STEPS)
    listener = CancelAtThree(engine, job.job_id)
    frames: list[Frames] = []
    with pytest.raises(JobCancelled):
        engine.run(job, listener, frames.append)
    assert listener.steps[-1] <= 3 + STEPS_AFTER_A_CANCEL
    assert frames == []
    assert len(shoot(engine)) == FRAMES


def test_a_film_cancelled_among_its_frames_sends_no_more_of_them(engine: Engine) -> None:
    job = film_job(num_frames=81)
    frames: list[Frames] = []

    def cancel_at_the_second(some: Frames) -> None:
        frames.append(some)
        if len(frames) == 2:
            engine.cancel(job.job_id)

    with pytest.raises(JobCancelled):
        engine.run(job, lambda _: None, cancel_at_the_second)
    assert len(frames) == 2
    assert len(shoot(engine)) == FRAMES


def test_whoever_takes_frames_slowly_holds_the_engine_and_can_still_cancel(engine: Engine) -> None:
    job, gate = film_job(), Gate[Frames]()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run, job, lambda _: None, gate)
        assert gate.reached.wait(PATIENCE_SECONDS)
        engine.cancel(job.job_id)  # returns, though nobody takes frames
        assert not running.done()
        gate.opened.set()
        assert isinstance(running.exception(PATIENCE_SECONDS), JobCancelled)
    assert len(gate.heard) == 1
    assert len(shoot(engine)) == FRAMES


def test_frames_that_were_held_back_all_come_in_the_end(engine: Engine) -> None:
    job, gate = film_job(3), Gate[Frames]()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run, job, lambda _: None, gate)
        assert gate.reached.wait(PATIENCE_SECONDS)
        assert sum(map(len, gate.heard)) <= 4
        gate.opened.set()
        running.result(PATIENCE_SECONDS)
    assert np.array_equal(np.concatenate(gate.heard), shoot(engine, 3))


def test_an_engine_without_a_picture_model_refuses_pictures_with_a_sentence(
    engine: Engine,
) -> None:
    with pytest.raises(GenerationError) as refusal:
        run(engine)
    assert refusal.value.code is ErrorCode.UNSUPPORTED_TASK
    assert refusal.value.message == "task_type is text2img; this worker serves text2video only."
