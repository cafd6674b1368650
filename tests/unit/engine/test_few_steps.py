"""Few steps with the operator's LoRA: built here and not trained, so what is checked is that its
steps, guidance and sampler are what the model runs on, and nothing of them stays."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import EngineJob, EngineResult, FewSteps, JobCancelled, Sampler, no_frames
from shared.errors import ErrorCode, GenerationError, InvalidInput
from tests.unit.engine.company import Company, assert_same
from tests.unit.engine.jobs import make_job
from tests.unit.engine.lora_files import OTHER, UNET, WIDER, WORDS, lora_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Studio:
    """The embedded model with its refiner, and what its UNets were asked: rows and time steps."""

    def __init__(self) -> None:
        self.model = Model((SHAPES, SHAPES.source))
        self.calls: list[tuple[int, int]] = []
        self.passes: Counter[str] = Counter()
        draw: Any = self.model._draw
        self.pipelines = draw._pipelines
        for pipeline in (self.pipelines.text2img, self.pipelines.refiner):
            pipeline.unet.register_forward_pre_hook(self._note)
        self.pipelines.text2img.text_encoder.register_forward_pre_hook(
            lambda *_: self.passes.update(["read"])
        )

    def _note(self, _: Any, inputs: Any) -> None:
        latents, timestep = inputs[:2]
        self.calls.append((len(latents), int(timestep)))

    def draw(self, job: EngineJob) -> EngineResult:
        self.calls.clear()
        return self.model.generate(job, lambda _: None, lambda: None, no_frames)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def few(folder: Path, name: str = UNET, **how: Any) -> FewSteps:
    asked = {"steps": 4, "guidance_scale": 1.0, "sampler": Sampler.EULER_TRAILING, **how}
    return FewSteps(lora=lora_of(folder, name), **asked)


def fast(few_steps: FewSteps | None, seed: int = 7, **parameters: Any) -> EngineJob:
    return replace(make_job(seed, speed_tier="fast", **parameters), few_steps=few_steps)


@pytest.mark.parametrize(
    ("sampler", "timesteps"),
    [
        (Sampler.EULER_TRAILING, [999, 749, 499, 249]),
        (Sampler.DDIM_TRAILING, [999, 749, 499, 249]),
        (Sampler.LCM, [999, 759, 499, 259]),
    ],
)
def test_a_picture_takes_the_lora_s_steps_from_the_noisiest_on_without_guidance_or_refiner(
    studio: Studio, lora_folder: Path, sampler: Sampler, timesteps: list[int]
) -> None:
    how = few(lora_folder, sampler=sampler)
    result = studio.draw(fast(how, negative_prompt="a star"))
    assert studio.calls == [(1, it) for it in timesteps]
    assert result.few_steps == how
    assert not result.refiner
    again = studio.draw(fast(how, negative_prompt="a star"))
    assert np.array_equal(result.pictures[0].pixels, again.pictures[0].pixels)


def test_guidance_that_the_lora_wants_is_on_to_the_end(studio: Studio, lora_folder: Path) -> None:
    studio.draw(fast(few(lora_folder, steps=3, guidance_scale=2.0)))
    assert [rows for rows, _ in studio.calls] == [2, 2, 2]


def test_the_lora_is_on_with_those_asked_for_and_leaves_nothing_behind(
    studio: Studio, lora_folder: Path
) -> None:
    plain = make_job(num_inference_steps=3, refiner_inference_steps=0)
    before = studio.draw(plain).pictures[0].pixels
    without = few(lora_folder)
    without = replace(without, lora=replace(without.lora, weight=0.0))
    asked = (lora_of(lora_folder, OTHER),)
    drawn = [
        studio.draw(job).pictures[0].pixels
        for job in (
            fast(without),
            fast(few(lora_folder)),
            fast(without, loras=asked),
            fast(few(lora_folder), loras=asked),
        )
    ]
    for index, one in enumerate(drawn):
        assert not any(np.array_equal(one, other) for other in drawn[index + 1 :])
    assert np.array_equal(studio.draw(plain).pictures[0].pixels, before)


def test_texts_are_read_with_a_lora_that_changes_how_they_are_read(
    studio: Studio, lora_folder: Path
) -> None:
    how = few(lora_folder, WORDS, steps=1)
    studio.draw(make_job(prompt="a word", num_inference_steps=1, refiner_inference_steps=0))
    studio.passes.clear()
    studio.draw(fast(how, prompt="a word"))
    assert studio.passes["read"] == 1
    studio.draw(fast(how, prompt="a word"))
    assert studio.passes["read"] == 1


@pytest.mark.parametrize("sampler", Sampler)
def test_in_a_batch_each_has_its_own_picture_also_when_another_leaves(
    studio: Studio, lora_folder: Path, sampler: Sampler
) -> None:
    how = few(lora_folder, sampler=sampler)
    leaver, stayer = (fast(how, seed, prompt=f"a {seed}") for seed in (1, 2))
    company = Company(leaver, stayer)
    company.cancel_at = {leaver.job_id: ("denoise", 2)}
    company.draw(studio.model)
    assert isinstance(company.fault(leaver).error, JobCancelled)
    together, alone = company.result(stayer), studio.draw(stayer)
    assert together.few_steps == alone.few_steps == how
    assert_same([it.pixels for it in together.pictures], [it.pixels for it in alone.pictures])


def test_one_that_does_not_fit_is_the_operator_s_fault_and_not_the_request_s(
    studio: Studio, lora_folder: Path
) -> None:
    with pytest.raises(GenerationError) as caught:
        studio.draw(fast(few(lora_folder, WIDER)))
    assert not isinstance(caught.value, InvalidInput)
    assert caught.value.code is ErrorCode.INTERNAL
    assert WIDER in caught.value.message


@pytest.mark.parametrize(
    "parameters",
    [{"speed_tier": "quality"}, {"speed_tier": "fast", "image_url": "gs://bucket/image.png"}],
    ids=["quality", "an image"],
)
def test_a_job_of_another_kind_cannot_have_them(
    lora_folder: Path, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="text2img requests of the tier fast only"):
        replace(make_job(**parameters), few_steps=few(lora_folder))


def test_a_process_is_told_of_them_and_says_what_it_used(
    engine: EngineProcess, lora_folder: Path
) -> None:
    how = few(lora_folder, steps=2)
    heard: list[int] = []
    result = engine.run(fast(how), lambda progress: heard.append(progress.total_steps))
    assert result.few_steps == how
    assert set(heard) == {2}
    assert engine.run(fast(None), lambda _: None).few_steps is None
