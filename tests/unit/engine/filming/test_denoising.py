"""The steps of a film: what they report, and how soon a stop ends them."""

from typing import Any

import pytest

from gpu_worker.engine.filming import Filming
from gpu_worker.ports import EngineProgress, JobCancelled
from tests.unit.engine.filming.small_films import ANY_SIZE, Stop, job_for, shoot


def test_a_stop_while_denoising_comes_within_one_evaluation_of_the_transformer(
    pipeline: Any, filming: Filming, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = []
    forward = pipeline.transformer.forward
    stop = Stop()

    def counted(*arguments: Any, **options: Any) -> Any:
        evaluations.append(1)
        stop.asked = len(evaluations) == 3  # the first of two in the second step
        return forward(*arguments, **options)

    monkeypatch.setattr(pipeline.transformer, "forward", counted)
    with pytest.raises(JobCancelled):
        filming(job_for(num_inference_steps=9), lambda _: None, stop, lambda _: None)
    assert len(evaluations) == 3
    stop.asked = False
    assert len(shoot(filming, job_for())) == 17


def test_a_stop_while_denoising_comes_within_one_step(filming: Filming) -> None:
    stop, steps = Stop(), []

    def report(progress: EngineProgress) -> None:
        steps.append(progress.step)
        stop.asked = progress.step == 2

    with pytest.raises(JobCancelled):
        filming(job_for(num_inference_steps=9), report, stop, lambda _: None)
    assert steps[-1] == 2
    stop.asked = False
    assert len(shoot(filming, job_for())) == 17


def test_the_fraction_grows_with_what_the_stages_cost_and_ends_at_one(filming: Filming) -> None:
    reported: list[EngineProgress] = []
    filming(job_for(num_inference_steps=4), reported.append, lambda: None, lambda _: None)
    fractions = [it.fraction for it in reported]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    evaluations, frames = 2 * 4, 17
    whole = ANY_SIZE.encode_cost + evaluations + ANY_SIZE.frame_cost * frames
    denoised = max(it.fraction for it in reported if it.stage == "denoise")
    assert denoised == pytest.approx((ANY_SIZE.encode_cost + evaluations) / whole)
