"""A film of the stages in this process has the numbers of the published pipeline."""

from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine import film_stages
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.sizes import decide_film_sizes
from gpu_worker.engine.specs import SHAPES_FILM, WAN, Size
from tests.unit.engine.filming.small_films import SMALL, job_for, shoot


@pytest.mark.parametrize(
    "how",
    [
        {"video_guidance_scale": 5.0, "negative_prompt": "blue"},
        {"video_guidance_scale": 3.0},
        {"video_guidance_scale": 1.0, "num_frames": 21},
    ],
    ids=["negative", "guided", "unguided"],
)
def test_a_film_is_that_of_a_plain_call_of_the_published_pipeline(
    pipeline: Any, filming: Filming, how: dict[str, Any]
) -> None:
    from diffusers import WanPipeline  # noqa: PLC0415

    film = shoot(filming, job_for(**how))
    untyped: Any = WanPipeline
    plain = untyped(
        tokenizer=pipeline.tokenizer,
        text_encoder=pipeline.text_encoder,
        transformer=pipeline.transformer,
        vae=pipeline.vae,
        scheduler=type(pipeline.scheduler).from_config(pipeline.scheduler.config),
    )
    plain.set_progress_bar_config(disable=True)
    width, height = SMALL
    published = plain(
        "a red circle moving right",
        negative_prompt=how.get("negative_prompt"),
        width=width,
        height=height,
        num_frames=how.get("num_frames", 17),
        num_inference_steps=3,
        guidance_scale=how["video_guidance_scale"],
        generator=torch.Generator("cpu").manual_seed(7),
        max_sequence_length=24,
    ).frames[0]
    assert len(film) == len(published)
    assert np.ptp(film) > 50, "a film of one colour would equal any other"
    for ours, theirs in zip(film, np.rint(published * 255), strict=True):
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize(
    ("size", "shift"),
    [((832, 480), 3.0), ((480, 832), 3.0), ((1280, 720), 5.0), ((720, 1280), 5.0)],
)
def test_the_noise_levels_of_wan_are_those_published_for_the_size(
    pipeline: Any, size: Size, shift: float
) -> None:
    from diffusers import UniPCMultistepScheduler  # noqa: PLC0415

    config = {**pipeline.scheduler.config, "flow_shift": 1.0}
    ours = film_stages.build_film_scheduler(
        pipeline.scheduler, config, WAN, decide_film_sizes(WAN, *size)
    )
    # As diffusers' documentation of Wan sets it up.
    untyped: Any = UniPCMultistepScheduler
    published = untyped(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        num_train_timesteps=1000,
        flow_shift=shift,
    )
    for scheduler in (ours, published):
        scheduler.set_timesteps(25)
    assert torch.equal(ours.sigmas, published.sigmas)
    assert torch.equal(ours.timesteps, published.timesteps)


def test_a_model_of_one_size_keeps_the_noise_levels_of_its_checkpoint(pipeline: Any) -> None:
    config = {**pipeline.scheduler.config, "flow_shift": 2.5}
    sizes = decide_film_sizes(SHAPES_FILM, 1280, 720)
    ours = film_stages.build_film_scheduler(pipeline.scheduler, config, SHAPES_FILM, sizes)
    assert ours.config.flow_shift == 2.5
