"""img2img and inpainting on the embedded model: every parameter changes the picture as it ought."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.framing import Frame
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import Mask, Pixels
from tests.unit.engine.jobs import run, run_and_record
from tests.unit.engine.judge import look_at, share_of

SOMEWHERE = "gs://bucket/image.png"
OTHER = "a green square on a yellow background"
#: Batched and single runs differ by rounding, at most one step of 8 bits.
ROUNDING = 1


@pytest.fixture(scope="module")
def image(shared_engine: EngineProcess) -> Pixels:
    """A red circle on blue, 128 × 128, as the model itself draws it."""
    return run(shared_engine, 7).pictures[0].pixels


@pytest.fixture
def mask() -> Mask:
    """The middle quarter."""
    mask = np.zeros((128, 128), np.uint8)
    mask[32:96, 32:96] = 255
    return mask


def changed(engine: EngineProcess, image: Pixels, seed: int = 7, **parameters: Any) -> Pixels:
    result = run(engine, seed, **{"image": image, "image_url": SOMEWHERE, **parameters})
    return result.pictures[0].pixels


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def difference(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other).max())


class TestImg2Img:
    def test_strength_decides_how_far_the_picture_leaves_the_image(
        self, engine: EngineProcess, image: Pixels
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
        self, engine: EngineProcess, image: Pixels
    ) -> None:
        near = look_at(changed(engine, image, strength=0.1))
        assert (near.colour, near.background) == ("red", "blue")
        far = look_at(changed(engine, image, prompt=OTHER, strength=0.9))
        assert (far.colour, far.background) == ("green", "yellow")

    def test_steps_are_those_of_the_strength(self, engine: EngineProcess, image: Pixels) -> None:
        for steps, expected in ((20, 6), (40, 12), (1, 1)):
            _, reported = run_and_record(
                engine, image=image, image_url=SOMEWHERE, num_inference_steps=steps
            )
            assert [it.step for it in reported if it.stage == "denoise"] == list(
                range(expected + 1)
            )
            assert {it.total_steps for it in reported} == {expected}

    def test_no_strength_gives_the_image_back(self, engine: EngineProcess, image: Pixels) -> None:
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
        self, engine: EngineProcess, image: Pixels, parameters: dict[str, Any]
    ) -> None:
        how: dict[str, Any] = {"prompt": OTHER, "strength": 0.7}
        plain = changed(engine, image, **how)
        other = changed(engine, image, **{**how, **parameters})
        assert distance(plain, other) > 1

    def test_a_negative_prompt_lowers_what_it_names(
        self, engine: EngineProcess, image: Pixels
    ) -> None:
        how: dict[str, Any] = {"prompt": "a circle", "strength": 0.9, "num_inference_steps": 12}
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

    def test_a_prompt_may_be_absent(self, engine: EngineProcess, image: Pixels) -> None:
        seen = look_at(changed(engine, image, prompt=None, strength=0.2))
        assert (seen.colour, seen.background) == ("red", "blue")

    def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(
        self, engine: EngineProcess, image: Pixels
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
        self,
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


class TestInpaint:
    def paint(self, engine: EngineProcess, image: Pixels, mask: Mask, **parameters: Any) -> Pixels:
        how: dict[str, Any] = {
            "mask": mask,
            "mask_url": SOMEWHERE,
            "prompt": "a yellow star on a blue background",
            "strength": 0.9,
        }
        return changed(engine, image, **{**how, **parameters})

    @pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER", "UniPC", "Heun", "PNDM"])
    def test_what_is_not_masked_stays_exactly_and_the_rest_is_painted_anew(
        self, engine: EngineProcess, image: Pixels, mask: Mask, scheduler: str
    ) -> None:
        painted = self.paint(engine, image, mask, scheduler=scheduler)
        assert np.array_equal(painted[mask == 0], image[mask == 0])
        inside = painted[32:96, 32:96]
        assert distance(inside, image[32:96, 32:96]) > 30
        assert share_of("yellow", inside) > share_of("yellow", image[32:96, 32:96]) + 0.1

    def test_it_stays_exactly_at_another_size_than_the_model_s(
        self, engine: EngineProcess, image: Pixels, mask: Mask
    ) -> None:
        large = np.asarray(Image.fromarray(image).resize((384, 384), Image.Resampling.LANCZOS))
        painted = self.paint(engine, large, mask)
        kept = np.asarray(Image.fromarray(mask).resize((384, 384), Image.Resampling.NEAREST)) == 0
        assert painted.shape == (384, 384, 3)
        inner = kept.copy()
        inner[90:294, 90:294] = False  # the edge of the stretched mask
        assert np.array_equal(painted[inner], large[inner])
        assert distance(painted[100:280, 100:280], large[100:280, 100:280]) > 30

    def test_strength_decides_how_far_the_masked_part_changes(
        self, engine: EngineProcess, image: Pixels, mask: Mask
    ) -> None:
        far = [
            distance(self.paint(engine, image, mask, strength=strength), image)
            for strength in (0.1, 0.9)
        ]
        assert far[1] > 1.4 * far[0]

    def test_the_prompt_decides_what_is_painted(
        self, engine: EngineProcess, image: Pixels, mask: Mask
    ) -> None:
        yellow, green = (
            self.paint(engine, image, mask, prompt=f"a {colour} square on a blue background")
            for colour in ("yellow", "green")
        )
        assert share_of("yellow", yellow) > share_of("yellow", green)
        assert share_of("green", green) > share_of("green", yellow)

    def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(
        self, engine: EngineProcess, image: Pixels, mask: Mask
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
            alone = self.paint(engine, image, mask, seed=it.seed)
            assert difference(it.pixels, alone) <= ROUNDING

    def test_a_thin_stroke_is_painted_too(self, engine: EngineProcess, image: Pixels) -> None:
        stroke = np.zeros((128, 128), np.uint8)
        stroke[61:63, 20:108] = 255  # between the pixels that the pipeline looks at
        painted = self.paint(engine, image, stroke, strength=1.0)
        assert np.array_equal(painted[stroke == 0], image[stroke == 0])
        assert distance(painted[61:63, 20:108], image[61:63, 20:108]) > 10


class TestFrame:
    def test_image_and_mask_fill_the_frame_and_fit_each_other(self) -> None:
        image = np.zeros((100, 300, 3), np.uint8)
        image[:, 150:] = 255
        mask = np.zeros((50, 150), np.uint8)
        mask[:, 75:] = 255
        frame = Frame.of(image, mask, (64, 64))
        assert frame.mask is not None
        assert frame.image.shape == (64, 64, 3)
        assert (frame.image[:, 40:] > 250).all()
        assert (frame.mask[:, 40:] == 255).all()
        assert (frame.image[:, :24] < 5).all()
        assert (frame.mask[:, :24] == 0).all()

    def test_a_mask_touches_whole_latents(self) -> None:
        mask = np.zeros((64, 64), np.uint8)
        mask[9, 17] = 255
        frame = Frame.of(np.zeros((64, 64, 3), np.uint8), mask, (64, 64))
        drawn = np.asarray(frame.drawn_mask((64, 64)))
        assert (drawn[8:16, 16:24] == 255).all()
        assert drawn.sum() == 255 * 64


STOCK = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
import numpy as np, torch
torch.set_num_threads(1)  # more threads on a busy machine wait for each other
from PIL import Image
from diffusers import (DDIMScheduler, StableDiffusionXLImg2ImgPipeline,
                       StableDiffusionXLInpaintPipeline)
folder, image, mask, img2img, inpaint = sys.argv[1:]
image, mask = Image.fromarray(np.load(image)), Image.fromarray(np.load(mask))
for kind, extra, out in ((StableDiffusionXLImg2ImgPipeline, {}, img2img),
                         (StableDiffusionXLInpaintPipeline, {"mask_image": mask}, inpaint)):
    pipe = kind.from_pretrained(folder, dtype=torch.float32, variant="fp16", add_watermarker=False)
    pipe.scheduler = DDIMScheduler.from_config(
        pipe.scheduler.config, clip_sample=False, set_alpha_to_one=False)
    size = {"width": 128, "height": 128} if extra else {}
    done = pipe("a yellow star on a blue background", image=image, strength=0.8,
                negative_prompt="green star", num_inference_steps=10, guidance_scale=4.0,
                generator=torch.Generator("cpu").manual_seed(7), **size, **extra).images[0]
    np.save(out, np.asarray(done))
"""


def test_the_pictures_are_those_of_plain_calls_of_the_published_pipelines(
    engine: EngineProcess, image: Pixels, mask: Mask, tmp_path: Path
) -> None:
    assert isinstance(SHAPES.source, FolderSource)
    files = [tmp_path / f"{name}.npy" for name in ("image", "mask", "img2img", "inpaint")]
    np.save(files[0], image)
    np.save(files[1], mask)
    subprocess.run(
        [sys.executable, "-c", STOCK, SHAPES.source.folder, *files],
        check=True,
        capture_output=True,
        timeout=100,
    )
    how: dict[str, Any] = {
        "prompt": "a yellow star on a blue background",
        "negative_prompt": "green star",
        "strength": 0.8,
        "num_inference_steps": 10,
        "guidance_scale": 4.0,
    }
    assert difference(changed(engine, image, **how), np.load(files[2])) <= ROUNDING
    painted = changed(engine, image, **how, mask=mask, mask_url=SOMEWHERE)
    published = np.load(files[3])
    assert difference(painted[mask > 0], published[mask > 0]) <= ROUNDING
