"""img2img on the embedded model: every parameter changes the picture as it ought."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import Pixels
from tests.unit.engine.images import ROUNDING, SOMEWHERE, changed, difference, distance
from tests.unit.engine.jobs import run, run_and_record
from tests.unit.engine.judge import look_at, share_of

OTHER = "a green square on a yellow background"


def test_strength_decides_how_far_the_picture_leaves_the_image(
    engine: EngineProcess, image: Pixels
) -> None:
    far = [
        distance(changed(engine, image, prompt=OTHER, strength=strength), image)
        for strength in (0.0, 0.1, 0.3, 0.9)
    ]
    assert far == sorted(far)
    assert far[0] < 4  # what the VAE costs
    assert far[1] < 30
    assert far[3] > 100


def test_little_strength_keeps_the_image_and_much_draws_the_prompt(
    engine: EngineProcess, image: Pixels
) -> None:
    near = look_at(changed(engine, image, strength=0.1))
    assert (near.colour, near.background) == ("red", "blue")
    far = look_at(changed(engine, image, prompt=OTHER, strength=0.9))
    assert (far.colour, far.background) == ("green", "yellow")


def test_steps_are_those_of_the_strength(engine: EngineProcess, image: Pixels) -> None:
    for steps, expected in ((20, 6), (40, 12), (1, 1)):
        _, reported = run_and_record(
            engine, image=image, image_url=SOMEWHERE, num_inference_steps=steps
        )
        assert [it.step for it in reported if it.stage == "denoise"] == list(range(expected + 1))
        assert {it.total_steps for it in reported} == {expected}


def test_no_strength_gives_the_image_back(engine: EngineProcess, image: Pixels) -> None:
    result, reported = run_and_record(engine, image=image, image_url=SOMEWHERE, strength=0)
    assert distance(result.pictures[0].pixels, image) < 4
    assert [it.stage for it in reported] == ["encode", "decode"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"scheduler": "K_EULER_ANCESTRAL"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 8},
        {"seed": 8},
        {"prompt": "a green star on a white background"},
    ],
)
def test_every_parameter_counts(
    engine: EngineProcess, image: Pixels, parameters: dict[str, Any]
) -> None:
    how: dict[str, Any] = {"prompt": OTHER, "strength": 0.7}
    plain = changed(engine, image, **how)
    other = changed(engine, image, **{**how, **parameters})
    assert distance(plain, other) > 1


def test_a_negative_prompt_lowers_what_it_names(engine: EngineProcess, image: Pixels) -> None:
    # At 0.9 enough of the image's blue is left for it to stay.
    how: dict[str, Any] = {"prompt": "a circle", "strength": 0.95, "num_inference_steps": 20}
    without, against = (
        np.mean(
            [
                share_of("blue", changed(engine, image, seed, **how, negative_prompt=negative))
                for seed in range(4)
            ]
        )
        for negative in (None, "a circle on a blue background")
    )
    assert without > 0.05
    assert against < 0.5 * without


def test_a_prompt_may_be_absent(engine: EngineProcess, image: Pixels) -> None:
    seen = look_at(changed(engine, image, prompt=None, strength=0.2))
    assert (seen.colour, seen.background) == ("red", "blue")


def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(
    engine: EngineProcess, image: Pixels
) -> None:
    how: dict[str, Any] = {"image": image, "image_url": SOMEWHERE, "strength": 0.6}
    batch = run(engine, 7, num_images=2, **how).pictures
    assert [it.seed for it in batch] == [7, 8]
    assert difference(batch[0].pixels, batch[1].pixels) > 5
    for it in batch:
        alone = changed(engine, image, it.seed, strength=0.6)
        assert difference(it.pixels, alone) <= ROUNDING


@pytest.mark.parametrize(
    ("own", "asked", "size", "native"),
    [
        ((256, 256), {}, (256, 256), (128, 128)),
        ((300, 200), {}, (304, 200), (192, 128)),
        ((256, 256), {"width": 192, "height": 128}, (192, 128), (192, 128)),
        ((256, 512), {"width": 128}, (128, 256), (128, 192)),
    ],
)
def test_the_size_is_the_one_asked_for_or_the_image_s_own(
    engine: EngineProcess,
    image: Pixels,
    *,
    own: tuple[int, int],
    asked: dict[str, int],
    size: tuple[int, int],
    native: tuple[int, int],
) -> None:
    large = np.asarray(Image.fromarray(image).resize(own))
    result = run(engine, image=large, image_url=SOMEWHERE, num_inference_steps=4, **asked)
    height, width, _ = result.pictures[0].pixels.shape
    assert (width, height) == size
    assert result.native_size == native
