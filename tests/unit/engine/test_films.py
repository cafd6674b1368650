"""Films of a real engine process: every parameter of the request counts, and faults cost one job.

The model is untrained (see `film_models`), so these tests ask only which films differ.
"""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import NO_MODEL, Size
from gpu_worker.ports import EngineProgress, Frames, JobCancelled
from shared.errors import ErrorCode, GenerationError
from tests.unit.engine.films import FRAMES, film_job, shoot, shoot_and_tell
from tests.unit.engine.jobs import PATIENCE_SECONDS, run

RED = "a red circle moving right on a blue background"
#: Guided strongly, an untrained model heeds its prompts enough to show it in 8 bits.
GUIDED: dict[str, Any] = {"video_guidance_scale": 20.0}


def differ(one: Frames, other: Frames) -> bool:
    """By more than rounding."""
    return int(np.abs(one.astype(int) - other).max()) > 1


@pytest.fixture(scope="module")
def plain(film_engine: EngineProcess) -> Frames:
    """What a film is compared with."""
    return shoot(film_engine)


@pytest.mark.parametrize(
    ("size", "native"),
    [
        ((832, 480), (112, 64)),
        ((480, 832), (64, 112)),
        ((1280, 720), (112, 64)),
        ((720, 1280), (64, 112)),
    ],
)
def test_the_size_asked_for_is_the_size_given(
    film_engine: EngineProcess, size: Size, native: Size
) -> None:
    width, height = size
    job = film_job(video_width=width, video_height=height, num_inference_steps=1)
    film, result, _ = shoot_and_tell(film_engine, job)
    assert film.shape == (FRAMES, height, width, 3)
    assert result.film is not None
    assert result.film.size == size
    assert result.native_size == native


@pytest.mark.parametrize(("asked", "given"), [(16, 17), (17, 17), (20, 21), (81, 81)])
def test_as_many_frames_come_as_were_asked_for_rounded_up(
    film_engine: EngineProcess, plain: Frames, asked: int, given: int
) -> None:
    film, result, _ = shoot_and_tell(film_engine, film_job(num_frames=asked))
    assert len(film) == given
    assert result.film is not None
    assert (result.film.frames, result.native_frames) == (given, 17)
    assert np.array_equal(film[0], plain[0])
    assert np.array_equal(film[-1], plain[-1])
    if asked == 81:
        assert np.array_equal(film[::5], plain), "the same film, five times as slow"


@pytest.mark.parametrize(
    "other",
    [
        {"video_guidance_scale": 1.0},
        {"video_guidance_scale": 20.0},
        {"num_inference_steps": 3},
        {"seed": 8},
        {"prompt": "a green star moving left"},
        {"negative_prompt": "blue background"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_every_parameter_decides_the_film(
    film_engine: EngineProcess, plain: Frames, other: dict[str, Any]
) -> None:
    parameters = {"seed": 7, **other}
    if "prompt" in other or "negative_prompt" in other:
        plain, parameters = shoot(film_engine, **GUIDED), {**parameters, **GUIDED}
    assert differ(shoot(film_engine, **parameters), plain)


def test_the_same_request_gives_the_same_film(film_engine: EngineProcess, plain: Frames) -> None:
    assert np.array_equal(shoot(film_engine), plain)


def test_precision_and_fixed_results_are_a_film_s_too(film_model: Path, plain: Frames) -> None:
    engine = EngineProcess(
        NO_MODEL,
        film_model="shapes-film",
        film_model_dir=film_model,
        precision=Precision.BF16,
        deterministic=True,
    )
    try:
        info = engine.wait_ready(PATIENCE_SECONDS)
        assert (info.models, info.precision) == (("shapes-film",), "bf16")
        assert info.deterministic
        film, again = shoot(engine), shoot(engine)
    finally:
        engine.close()
    assert np.array_equal(film, again)
    assert differ(film, plain)


def test_without_guidance_a_negative_prompt_counts_for_nothing(film_engine: EngineProcess) -> None:
    without, with_one = (
        shoot(film_engine, video_guidance_scale=1.0, negative_prompt=negative)
        for negative in ("", "blue background")
    )
    assert np.array_equal(without, with_one)


def test_a_prompt_that_the_model_does_not_read_to_its_end_is_told(
    film_engine: EngineProcess,
) -> None:
    for prompt, negative, truncated in (
        (RED, "", False),
        (f"{RED}{' and a red circle' * 9}", "", True),
        (RED, f"{RED}{' and a red circle' * 9}", True),
    ):
        job = film_job(prompt=prompt, negative_prompt=negative, num_inference_steps=1)
        assert shoot_and_tell(film_engine, job)[1].prompt_truncated is truncated


def test_an_engine_killed_among_the_frames_fails_its_film_and_the_next_one_works(
    film_engine: EngineProcess,
) -> None:
    victim = film_engine.pid
    assert victim is not None
    chunks: list[Frames] = []

    def kill_at_the_second(frames: Frames) -> None:
        chunks.append(frames)
        if len(chunks) == 2:
            os.kill(victim, signal.SIGKILL)

    with pytest.raises(GenerationError) as crash:
        film_engine.run(film_job(num_frames=81), lambda _: None, kill_at_the_second)
    assert crash.value.code is ErrorCode.ENGINE_CRASHED
    assert sum(map(len, chunks)) < 81
    assert len(shoot(film_engine)) == FRAMES
    assert film_engine.pid != victim


def test_closing_ends_a_film_whose_listener_never_comes_back(film_model: Path) -> None:
    engine = EngineProcess(NO_MODEL, film_model="shapes-film", film_model_dir=film_model)
    reached, forever = threading.Event(), threading.Event()

    def hang(_: Frames) -> None:
        reached.set()
        forever.wait()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(engine.run, film_job(), lambda _: None, hang)
        assert reached.wait(PATIENCE_SECONDS)
        process = psutil.Process(engine.pid)
        engine.close()
        assert isinstance(running.exception(PATIENCE_SECONDS), JobCancelled)
    assert not process.is_running()
    forever.set()


@pytest.fixture(scope="module")
def both(film_model: Path) -> Iterator[EngineProcess]:
    """Pictures by the embedded model, and films at their full size: Wan's way."""
    engine = EngineProcess(
        "shapes", film_model="wan", film_model_dir=film_model, check=CheckChoice(name="none")
    )
    engine.start()
    assert engine.wait_ready(PATIENCE_SECONDS).models == ("shapes", "wan")
    yield engine
    engine.close()


def test_one_engine_makes_pictures_and_films(both: EngineProcess) -> None:
    assert len(run(both, num_inference_steps=2).pictures) == 1
    seen: list[EngineProgress] = []
    job = film_job(num_inference_steps=1)

    def stop_when_it_was_drawn(progress: EngineProgress) -> None:
        seen.append(progress)
        if progress.stage == "decode":  # which would take half a minute
            both.cancel(job.job_id)

    with pytest.raises(JobCancelled):
        both.run(job, stop_when_it_was_drawn)
    (preview,) = [it.preview for it in seen if it.preview is not None]
    assert preview.shape == (60, 104, 3), "a pixel a latent of 832 x 480"


def test_a_film_that_does_not_fit_into_memory_fails_with_advice_and_the_engine_lives(
    both: EngineProcess,
) -> None:
    import resource  # noqa: PLC0415

    run(both, num_inference_steps=2)
    process = psutil.Process(both.pid)
    everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    room = process.memory_info().vms + 2**22
    resource.prlimit(process.pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    try:
        with pytest.raises(GenerationError) as failure:
            both.run(film_job(num_frames=81, video_width=1280, video_height=720), lambda _: None)
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_AS, everything)
    assert failure.value.code is ErrorCode.OUT_OF_MEMORY
    assert "smaller num_frames" in failure.value.message
    assert len(run(both, num_inference_steps=2).pictures) == 1
    assert both.pid == process.pid


def test_a_film_model_that_cannot_be_loaded_is_refused_with_its_place(tmp_path: Path) -> None:
    engine = EngineProcess("shapes", film_model="shapes-film", film_model_dir=tmp_path)
    with pytest.raises(GenerationError, match=f"shapes-film cannot be loaded: {tmp_path} has no"):
        engine.wait_ready(PATIENCE_SECONDS)
    engine.close()


@pytest.mark.parametrize(
    ("picture", "film", "said"),
    [
        (NO_MODEL, NO_MODEL, "Both models are 'none'"),
        (NO_MODEL, "sora", "no film model called 'sora'; it must be one of shapes-film, wan"),
    ],
)
def test_a_choice_of_models_that_there_is_not_is_refused_with_a_sentence(
    picture: str, film: str, said: str
) -> None:
    engine = EngineProcess(picture, film_model=film)
    with pytest.raises(GenerationError, match=said):
        engine.wait_ready(PATIENCE_SECONDS)
    engine.close()
