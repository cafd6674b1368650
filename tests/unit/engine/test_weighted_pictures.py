"""Weighted and long prompts as they show in the pictures of the embedded model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import EngineResult, Pixels
from tests.unit.engine.jobs import PROMPT, run
from tests.unit.engine.judge import share_of

#: More tokens than any text encoder of the family reads at once.
DETAILS = ", highly detailed" * 40
RED_TAIL, BLUE_TAIL = (
    f"a circle{DETAILS} on a {colour} background" for colour in ("red", "blue")
)  # fmt: skip
#: Batched and single runs differ by rounding, at most one step of 8 bits.
ROUNDING = 1


def draw(engine: EngineProcess, prompt: str, seed: int = 7, **parameters: Any) -> EngineResult:
    return run(engine, seed, prompt=prompt, prompt_weighting=True, **parameters)


def picture(engine: EngineProcess, prompt: str, seed: int = 7, **parameters: Any) -> Pixels:
    return draw(engine, prompt, seed, **parameters).pictures[0].pixels


def several(engine: EngineProcess, prompt: str, **parameters: Any) -> list[Pixels]:
    few = {"num_inference_steps": 8, **parameters}
    return [picture(engine, prompt, seed, **few) for seed in range(8)]


def redness(pixels: Pixels) -> float:
    """Mean of red above the mean of green and blue, in steps of 8 bits."""
    red, green, blue = pixels.reshape(-1, 3).mean(axis=0)
    return float(red - (green + blue) / 2)


def test_a_prompt_without_weights_is_drawn_as_without_the_flag(engine: EngineProcess) -> None:
    plain = run(engine, negative_prompt="a green star").pictures[0].pixels
    flagged = picture(engine, PROMPT, negative_prompt="a green star")
    assert np.abs(plain.astype(int) - flagged).max() <= ROUNDING


def test_a_word_of_weight_zero_is_not_drawn_and_one_of_half_a_weight_less_often(
    engine: EngineProcess,
) -> None:
    def red(weight: float) -> float:
        pictures = several(engine, f"a small white circle on a (red background){weight}")
        return float(np.mean([share_of("red", it) for it in pictures]))

    unsaid, half, said = (red(weight) for weight in (0, 0.4, 1))
    assert said > 0.9
    assert unsaid < half < said
    assert unsaid < 0.5 * said


def test_the_heavier_a_colour_the_more_of_it_there_is(engine: EngineProcess) -> None:
    light, plain, heavy = (
        sum(map(redness, several(engine, f"(red red red){weight} and blue", guidance_scale=1.0)))
        for weight in (0.5, 1, 2)
    )
    assert light < plain < heavy


def test_a_weight_without_the_flag_is_only_text(engine: EngineProcess) -> None:
    result = run(engine, prompt="a circle on a (red)0 background", num_inference_steps=12)
    assert share_of("red", result.pictures[0].pixels) > 0.5


def test_a_negative_prompt_of_no_weight_is_none_at_all(engine: EngineProcess) -> None:
    negative = "(a circle on a red background)0"
    assert np.array_equal(
        picture(engine, "a circle", negative_prompt=negative), picture(engine, "a circle")
    )


def test_a_negative_prompt_s_weights_count(engine: EngineProcess) -> None:
    pictures = [
        picture(engine, "a circle", negative_prompt=f"(a circle on a red background){weight}")
        for weight in (0.5, 1, 1.5)
    ]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])


def test_the_end_of_a_long_prompt_counts_with_the_flag_and_is_left_out_without(
    engine: EngineProcess,
) -> None:
    cut = [run(engine, prompt=prompt) for prompt in (RED_TAIL, BLUE_TAIL)]
    assert np.array_equal(cut[0].pictures[0].pixels, cut[1].pictures[0].pixels)
    assert all(it.prompt_truncated for it in cut)
    whole = [draw(engine, prompt) for prompt in (RED_TAIL, BLUE_TAIL)]
    assert not any(it.prompt_truncated for it in whole)
    red, blue = (it.pictures[0].pixels for it in whole)
    assert redness(red) > redness(blue) + 10
    assert run(engine, num_inference_steps=1).prompt_truncated is False


def test_the_end_of_a_long_negative_prompt_counts_with_the_flag(engine: EngineProcess) -> None:
    def drawn(flag: bool, tail: str) -> EngineResult:
        return run(
            engine, prompt="a circle", negative_prompt=f"star{DETAILS} {tail}",
            prompt_weighting=flag, num_inference_steps=8,
        )  # fmt: skip

    cut = [drawn(False, tail) for tail in ("red", "green")]
    assert np.array_equal(cut[0].pictures[0].pixels, cut[1].pictures[0].pixels)
    assert cut[0].prompt_truncated
    whole = [drawn(True, tail) for tail in ("red", "green")]
    assert not np.array_equal(whole[0].pictures[0].pixels, whole[1].pictures[0].pixels)
    assert not whole[0].prompt_truncated


def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(engine: EngineProcess) -> None:
    prompt = f"a (red)1.3 circle{DETAILS}"
    batch = draw(engine, prompt, num_images=2, num_inference_steps=8).pictures
    for it in batch:
        alone = picture(engine, prompt, it.seed, num_inference_steps=8)
        assert np.abs(it.pixels.astype(int) - alone).max() <= ROUNDING


IMAGE = {"image": np.full((128, 128, 3), 128, np.uint8), "image_url": "gs://b/i"}
MASK = {"mask": np.full((128, 128), 255, np.uint8), "mask_url": "gs://b/m"}


@pytest.mark.parametrize("given", [IMAGE, {**IMAGE, **MASK}], ids=["img2img", "inpaint"])
def test_pictures_from_images_take_weights_and_long_prompts(
    engine: EngineProcess, given: Mapping[str, Any]
) -> None:
    more: dict[str, Any] = {**given, "strength": 0.9, "num_inference_steps": 10}
    red, blue = (picture(engine, prompt, **more) for prompt in (RED_TAIL, BLUE_TAIL))
    assert redness(red) > redness(blue)
    without = picture(engine, "(a red circle)0 on a blue background", **more)
    assert not np.array_equal(without, picture(engine, PROMPT, **more))


@pytest.mark.parametrize("high_noise_frac", [None, 0.5])
def test_a_refiner_with_one_text_encoder_reads_weights_and_long_prompts(
    refined: EngineProcess, high_noise_frac: float | None
) -> None:
    steps = {"num_inference_steps": 4, "refiner_inference_steps": 4}
    more: dict[str, Any] = {**steps, "high_noise_frac": high_noise_frac, "strength": 0.9}
    result = draw(refined, RED_TAIL, negative_prompt="(star)0.5", **more)
    assert result.refiner
    assert not result.prompt_truncated
    other = draw(refined, BLUE_TAIL, negative_prompt="(star)0.5", **more)
    assert not np.array_equal(result.pictures[0].pixels, other.pictures[0].pixels)
