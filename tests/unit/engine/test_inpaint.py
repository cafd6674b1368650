"""Inpainting on the embedded model: the mask is painted anew and the rest stays as it is."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import Mask, Pixels
from tests.unit.engine.images import ROUNDING, SOMEWHERE, changed, difference, distance
from tests.unit.engine.jobs import run
from tests.unit.engine.judge import share_of


def paint(engine: EngineProcess, image: Pixels, mask: Mask, **parameters: Any) -> Pixels:
    how: dict[str, Any] = {
        "mask": mask,
        "mask_url": SOMEWHERE,
        "prompt": "a yellow star on a blue background",
        "strength": 0.9,
    }
    return changed(engine, image, **{**how, **parameters})


@pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER", "UniPC", "Heun", "PNDM"])
def test_what_is_not_masked_stays_exactly_and_the_rest_is_painted_anew(
    engine: EngineProcess, image: Pixels, mask: Mask, scheduler: str
) -> None:
    painted = paint(engine, image, mask, scheduler=scheduler)
    assert np.array_equal(painted[mask == 0], image[mask == 0])
    inside = painted[32:96, 32:96]
    assert distance(inside, image[32:96, 32:96]) > 30
    assert share_of("yellow", inside) > share_of("yellow", image[32:96, 32:96]) + 0.1


def test_it_stays_exactly_at_another_size_than_the_model_s(
    engine: EngineProcess, image: Pixels, mask: Mask
) -> None:
    large = np.asarray(Image.fromarray(image).resize((384, 384), Image.Resampling.LANCZOS))
    painted = paint(engine, large, mask)
    kept = np.asarray(Image.fromarray(mask).resize((384, 384), Image.Resampling.NEAREST)) == 0
    assert painted.shape == (384, 384, 3)
    inner = kept.copy()
    inner[90:294, 90:294] = False  # the edge of the stretched mask
    assert np.array_equal(painted[inner], large[inner])
    assert distance(painted[100:280, 100:280], large[100:280, 100:280]) > 30


def test_strength_decides_how_far_the_masked_part_changes(
    engine: EngineProcess, image: Pixels, mask: Mask
) -> None:
    far = [
        distance(paint(engine, image, mask, strength=strength), image) for strength in (0.1, 0.9)
    ]
    assert far[1] > 1.4 * far[0]


def test_the_prompt_decides_what_is_painted(
    engine: EngineProcess, image: Pixels, mask: Mask
) -> None:
    yellow, green = (
        paint(engine, image, mask, prompt=f"a {colour} square on a blue background")
        for colour in ("yellow", "green")
    )
    assert share_of("yellow", yellow) > share_of("yellow", green)
    assert share_of("green", green) > share_of("green", yellow)


def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(
    engine: EngineProcess, image: Pixels, mask: Mask
) -> None:
    job: dict[str, Any] = {"image": image, "image_url": SOMEWHERE, "num_images": 2}
    batch = run(
        engine,
        7,
        mask=mask,
        mask_url=SOMEWHERE,
        prompt="a yellow star on a blue background",
        strength=0.9,
        **job,
    ).pictures
    for it in batch:
        alone = paint(engine, image, mask, seed=it.seed)
        assert difference(it.pixels, alone) <= ROUNDING


def test_a_thin_stroke_is_painted_too(engine: EngineProcess, image: Pixels) -> None:
    stroke = np.zeros((128, 128), np.uint8)
    stroke[61:63, 20:108] = 255  # between the pixels that the pipeline looks at
    painted = paint(engine, image, stroke, strength=1.0)
    assert np.array_equal(painted[stroke == 0], image[stroke == 0])
    assert distance(painted[61:63, 20:108], image[61:63, 20:108]) > 10
