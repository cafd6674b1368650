"""Jobs that share a batch: each has the picture, the progress and the end that it has alone."""

import time
from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine import stages
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, JobCancelled, no_frames
from shared.errors import ErrorCode, GenerationError
from shared.request import Scheduler
from tests.unit.engine.company import Company, assert_same
from tests.unit.engine.jobs import make_job

#: diffusers' LMS and DEIS schedulers hand tensors to a numpy that has begun to ask for more.
pytestmark = pytest.mark.filterwarnings("ignore:__array.* (implementation|must):DeprecationWarning")

#: Few, but more than any solver looks back, and a preview in the middle.
STEPS = 6
PROMPTS = ("a red circle on a blue background", "a yellow triangle", "a green box on white")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model((SHAPES, SHAPES.source))


def wish(number: int, **parameters: Any) -> EngineJob:
    """Of several with different prompts and seeds, the one of this number."""
    asked = {"prompt": PROMPTS[number], "num_inference_steps": STEPS, **parameters}
    return make_job(100 + number, **{"refiner_inference_steps": 0, **asked})


def alone(model: Model, job: EngineJob) -> EngineResult:
    return model.generate(job, lambda _: None, lambda: None, no_frames)


def assert_as_alone(model: Model, company: Company, *jobs: EngineJob) -> None:
    for job in jobs:
        together, single = company.result(job), alone(model, job)
        assert [it.seed for it in together.pictures] == [it.seed for it in single.pictures]
        assert_same([it.pixels for it in together.pictures], [it.pixels for it in single.pictures])


@pytest.mark.parametrize("scheduler", Scheduler)
def test_under_every_scheduler_a_picture_is_that_of_the_job_alone_also_when_another_leaves(
    model: Model, scheduler: Scheduler
) -> None:
    leaver, stayer = (wish(number, scheduler=scheduler.value) for number in range(2))
    company = Company(leaver, stayer)
    company.cancel_at = {leaver.job_id: ("denoise", 3)}
    company.draw(model)
    assert isinstance(company.fault(leaver).error, JobCancelled)
    assert_as_alone(model, company, stayer)


def test_jobs_of_several_pictures_and_sizes_share_a_batch_from_base_to_refiner(
    model: Model,
) -> None:
    shared = {"refiner_inference_steps": STEPS, "high_noise_frac": 0.5}
    jobs = (
        wish(0, num_images=2, **shared),
        wish(1, width=256, height=256, negative_prompt="blue", **shared),
    )
    company = Company(*jobs).draw(model)
    assert_as_alone(model, company, *jobs)
    assert all(company.result(job).refiner for job in jobs)
    assert company.result(jobs[1]).pictures[0].pixels.shape == (256, 256, 3)


@pytest.mark.parametrize("stage", ["denoise", "refine", "decode"])
def test_who_leaves_between_two_stages_takes_nothing_of_the_others_along(
    model: Model, stage: str
) -> None:
    shared = {"refiner_inference_steps": STEPS, "high_noise_frac": 0.5}
    jobs = [wish(number, **shared) for number in range(2)]
    heard: list[EngineProgress] = []
    model.generate(jobs[0], heard.append, lambda: None, no_frames)
    last_of = {it.stage: it.step for it in heard}
    step = last_of["decode" if stage == "decode" else "denoise"]
    company = Company(*jobs)
    company.cancel_at = {jobs[0].job_id: (stage, step)}
    company.draw(model)
    assert company.heard[jobs[0].job_id][-1].stage == stage
    assert isinstance(company.fault(jobs[0]).error, JobCancelled)
    assert_as_alone(model, company, jobs[1])


@pytest.mark.parametrize("step", [2, 3, 4])
def test_who_leaves_before_or_after_guidance_ends_changes_nothing_for_the_others(
    model: Model, step: int
) -> None:
    """The tier `fast` is guided for half of the steps; then embeddings have one half."""
    leaver, stayer = (wish(number, speed_tier="fast") for number in range(2))
    company = Company(leaver, stayer)
    company.cancel_at = {leaver.job_id: ("denoise", step)}
    company.draw(model)
    assert isinstance(company.fault(leaver).error, JobCancelled)
    assert_as_alone(model, company, stayer)


def test_images_of_several_jobs_are_drawn_over_together(model: Model) -> None:
    images = [np.full((128, 128, 3), shade, np.uint8) for shade in (40, 200)]
    jobs = [
        make_job(
            number,
            image,
            prompt=PROMPTS[number],
            image_url="gs://bucket/image.png",
            strength=0.8,
            num_inference_steps=STEPS,
            scheduler="K_EULER_ANCESTRAL",
            refiner_inference_steps=0,
        )
        for number, image in enumerate(images)
    ]
    assert_as_alone(model, Company(*jobs).draw(model), *jobs)


def test_each_job_hears_of_its_own_progress_and_sees_its_own_preview(model: Model) -> None:
    jobs = [wish(0, num_images=2), wish(1)]
    company = Company(*jobs).draw(model)
    for job in jobs:
        heard, expected = company.heard[job.job_id], list[EngineProgress]()
        model.generate(job, expected.append, lambda: None, no_frames)
        assert heard == expected
        seen, wanted = (
            [it.preview for it in them if it.preview is not None] for them in (heard, expected)
        )
        assert len(seen) > 1
        assert_same(seen, wanted)


def test_the_seconds_of_a_batch_are_shared_out_by_pictures_to_those_who_are_there(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    jobs = [wish(0), wish(1), wish(2, num_images=2)]
    company = Company(*jobs)
    company.cancel_at = {jobs[1].job_id: ("denoise", 2)}

    def step(job_id: str, progress: EngineProgress) -> None:
        nonlocal now
        # The first is told of a step first, so each has taken eight seconds by then.
        if job_id == jobs[0].job_id and progress.stage == "denoise" and progress.step:
            now += 8.0

    company.on_progress = step
    company.draw(model)
    two_by_four, four_by_three = 2 * 8 / 4, (STEPS - 2) * 8 / 3
    denoising = [company.result(job).timings["denoise"] for job in (jobs[0], jobs[2])]
    share = two_by_four + four_by_three
    assert denoising == pytest.approx([share, 2 * share])


def test_a_batch_that_nobody_wants_any_more_ends(model: Model) -> None:
    jobs = [wish(0), wish(1)]
    company = Company(*jobs)
    company.cancel_at = {job.job_id: ("denoise", 2) for job in jobs}
    company.draw(model)
    assert all(isinstance(company.fault(job).error, JobCancelled) for job in jobs)
    assert {it.step for it in company.heard[jobs[0].job_id]} == {0, 1, 2}
    assert len(alone(model, jobs[0]).pictures) == 1


def test_a_job_s_own_fault_is_not_the_others(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [wish(0), wish(1), wish(2)]
    encode = stages.encode

    def encode_others(pipeline: Any, request: Any, *others: Any) -> stages.Encoded:
        if request is jobs[1].request:
            raise GenerationError(ErrorCode.INVALID_INPUT, "not this one")
        return encode(pipeline, request, *others)

    monkeypatch.setattr(stages, "encode", encode_others)
    company = Company(*jobs).draw(model)
    fault = company.fault(jobs[1])
    assert "not this one" in str(fault.error)
    assert not fault.in_company
    monkeypatch.undo()
    assert_as_alone(model, company, jobs[0], jobs[2])


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("out of memory"), ValueError("odd")])
def test_what_fails_for_all_may_succeed_for_each_alone(
    model: Model, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    jobs = [wish(0), wish(1)]
    monkeypatch.setattr(stages, "denoise", fail)
    company = Company(*jobs).draw(model)
    for job in jobs:
        assert company.fault(job).error is error
        assert company.fault(job).in_company


def test_who_is_the_last_of_a_batch_fails_as_if_alone(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    jobs = [wish(0), wish(1)]
    monkeypatch.setattr(stages, "decode", fail)
    company = Company(*jobs).draw(model)
    # The first had less room beside the second's latents; then the second had all.
    assert [company.fault(job).in_company for job in jobs] == [True, False]


@pytest.mark.parametrize("stage", ["decode", "denoise"])
def test_what_one_job_breaks_is_not_held_against_the_others(
    model: Model, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """So CUDA does it: after an illegal access every call fails, whoever's it is."""
    broken = RuntimeError("an illegal memory access was encountered")
    jobs = [wish(0), wish(1)]
    encode = stages.encode

    def break_it(*_: Any, **__: Any) -> Any:
        raise broken

    def encode_or_break(pipeline: Any, request: Any, *others: Any) -> stages.Encoded:
        if request is jobs[0].request:
            monkeypatch.setattr(stages, "denoise", break_it)
            raise broken
        return encode(pipeline, request, *others)

    if stage == "denoise":
        monkeypatch.setattr(stages, "encode", encode_or_break)
    else:
        monkeypatch.setattr(stages, "decode", break_it)
    company = Company(*jobs).draw(model)
    assert [company.fault(job).in_company for job in jobs] == [False, True]


def test_a_refusal_after_another_job_s_fault_is_its_own(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [wish(0), wish(1)]
    errors = iter([RuntimeError("odd"), GenerationError(ErrorCode.INVALID_INPUT, "not this one")])

    def fail(*_: Any) -> Any:
        raise next(errors)

    monkeypatch.setattr(stages, "encode", fail)
    company = Company(*jobs).draw(model)
    assert [company.fault(job).in_company for job in jobs] == [False, False]


FAST: dict[str, Any] = {"speed_tier": "fast", "num_images": 2, "negative_prompt": "a star"}


@pytest.mark.parametrize(
    ("scheduler", "stage", "share"),
    [
        (Scheduler.HEUN, "denoise", 0.5),
        (Scheduler.UNIPC, "denoise", 0.9),
        (Scheduler.HEUN, "refine", 0.9),
        (Scheduler.K_EULER_ANCESTRAL, "refine", 0.5),
    ],
)
def test_fast_jobs_of_several_pictures_go_on_when_one_is_cancelled_on_either_side_of_a_cutoff(
    model: Model, scheduler: Scheduler, stage: str, share: float
) -> None:
    """Base and refiner each lose their guidance halfway; `share` is of the stage's steps."""
    how = {**FAST, "scheduler": scheduler.value, "refiner_inference_steps": STEPS}
    leaver, stayer = (wish(number, high_noise_frac=0.5, **how) for number in range(2))
    heard: list[EngineProgress] = []
    model.generate(stayer, heard.append, lambda: None, no_frames)
    steps = [it.step for it in heard if it.stage == stage]
    company = Company(leaver, stayer)
    company.cancel_at = {leaver.job_id: (stage, steps[int(share * len(steps))])}
    company.draw(model)
    assert isinstance(company.fault(leaver).error, JobCancelled)
    assert_as_alone(model, company, stayer)


def test_a_trial_times_steps_of_more_and_more_pictures(model: Model) -> None:
    seconds = model.time_batches()
    assert list(seconds)[:2] == [1, 2]
    assert all(0 < it < 60 for it in seconds.values())
