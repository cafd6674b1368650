"""Base and refiner: who does which steps, that no noise is added, and that it takes part at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import EngineResult, Pixels
from tests.unit.engine.images import ROUNDING
from tests.unit.engine.jobs import PROMPT, run, run_and_record
from tests.unit.engine.judge import look_at
from tests.unit.engine.published import PublishedLibraries
from tests.unit.engine.refined import psnr, steps_in

#: In dB, over the whole picture.
SAME_PICTURE = 40.0
LIKE_PICTURE = 20.0
#: A hand-over makes them forget their last steps. Found: 57 dB and more (Heun, which remembers
#: nothing beyond a step: 138); 20 and 19 where up to four steps are remembered.
MULTISTEP = [
    ("DPMSolverMultistep", 45.0),
    ("DPMSolverSinglestep", 45.0),
    ("DPMSolverMultistepKarras", 45.0),
    ("UniPC", 45.0),
    ("DEIS", 45.0),
    ("Heun", 45.0),
    ("KLMS_KARRAS", 30.0),
    ("KLMS", 16.0),
    ("PNDM", 16.0),
]


def pixels_of(result: EngineResult) -> Pixels:
    return result.pictures[0].pixels


def test_sixteen_of_twenty_steps_are_the_base_s_and_four_the_refiner_s(
    twin: EngineProcess,
) -> None:
    result, reported = run_and_record(
        twin, num_inference_steps=20, refiner_inference_steps=20, high_noise_frac=0.8
    )
    assert steps_in("denoise", reported) == list(range(17))
    assert steps_in("refine", reported) == list(range(16, 21))
    assert {it.total_steps for it in reported} == {20}
    assert result.refiner
    assert set(result.timings) == {"encode", "denoise", "refine", "decode"}


@pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER", "K_EULER_KARRAS"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_hand_over_to_the_same_model_changes_nothing(
    twin: EngineProcess, scheduler: str, share: float
) -> None:
    """Each step of these solvers depends on nothing but the picture so far."""
    how: dict[str, Any] = {"scheduler": scheduler, "num_inference_steps": 20}
    alone = pixels_of(run(twin, **how, refiner_inference_steps=0))
    together = pixels_of(run(twin, **how, refiner_inference_steps=20, high_noise_frac=share))
    assert psnr(alone, together) > SAME_PICTURE


@pytest.mark.parametrize(("scheduler", "bound"), MULTISTEP)
def test_a_hand_over_of_a_solver_with_a_memory_changes_little(
    twin: EngineProcess, scheduler: str, bound: float
) -> None:
    how: dict[str, Any] = {"scheduler": scheduler, "num_inference_steps": 20}
    alone = pixels_of(run(twin, **how, refiner_inference_steps=0))
    together = pixels_of(run(twin, **how, refiner_inference_steps=20, high_noise_frac=0.8))
    assert psnr(alone, together) > bound


def test_the_seed_s_default_numbers_of_steps_fit_each_other(twin: EngineProcess) -> None:
    alone = pixels_of(run(twin, refiner_inference_steps=0))
    together, reported = run_and_record(twin, high_noise_frac=0.8)
    assert steps_in("refine", reported) == list(range(20, 30))
    assert psnr(alone, pixels_of(together)) > LIKE_PICTURE


def test_without_a_share_the_refiner_works_on_the_finished_picture(twin: EngineProcess) -> None:
    result, reported = run_and_record(twin, strength=0.3)
    assert steps_in("denoise", reported) == list(range(26))
    assert steps_in("refine", reported) == list(range(25, 41))
    assert result.refiner


def test_strength_decides_how_far_the_refiner_goes_from_the_base_s_picture(
    refined: EngineProcess,
) -> None:
    alone = pixels_of(run(refined, refiner_inference_steps=0))
    near, far = (
        psnr(alone, pixels_of(run(refined, strength=strength, refiner_inference_steps=20)))
        for strength in (0.1, 0.6)
    )
    assert near > far + 3


@pytest.mark.parametrize("parameters", [{"refiner_inference_steps": 0}, {"strength": 0}])
def test_the_refiner_can_be_left_out(
    refined: EngineProcess, engine: EngineProcess, parameters: dict[str, Any]
) -> None:
    result = run(refined, **parameters)
    assert not result.refiner
    assert np.array_equal(pixels_of(result), pixels_of(run(engine)))


def test_a_model_without_a_refiner_ignores_its_parameters_and_says_so(
    engine: EngineProcess,
) -> None:
    plain, reported = run_and_record(engine)
    with_all = run(engine, refiner_inference_steps=20, high_noise_frac=0.5)
    assert not plain.refiner
    assert not with_all.refiner
    assert np.array_equal(pixels_of(plain), pixels_of(with_all))
    assert steps_in("refine", reported) == []


def test_more_refiner_steps_make_more_evaluations(refined: EngineProcess) -> None:
    counts = []
    for steps in (10, 40):
        _, reported = run_and_record(
            refined, num_inference_steps=10, refiner_inference_steps=steps, high_noise_frac=0.5
        )
        counts.append(len(steps_in("refine", reported)) - 1)
    # The base stops at 401 of 1000; in steps of 25 that leaves 17.
    assert counts == [5, 17]


def test_the_share_decides_how_much_of_the_picture_is_the_base_s(refined: EngineProcess) -> None:
    """An untrained refiner spoils what is left to it."""
    alone = pixels_of(run(refined, refiner_inference_steps=0))
    how: dict[str, Any] = {"num_inference_steps": 25, "refiner_inference_steps": 25}
    most, least = (
        psnr(alone, pixels_of(run(refined, **how, high_noise_frac=share))) for share in (0.95, 0.4)
    )
    assert most > least + 3


def test_picture_i_of_n_is_refined_as_seed_plus_i_is_alone(twin: EngineProcess) -> None:
    how: dict[str, Any] = {
        "strength": 0.5,
        "refiner_inference_steps": 10,
        "num_inference_steps": 10,
    }
    batch = run(twin, 7, num_images=2, **how).pictures
    for it in batch:
        alone = pixels_of(run(twin, it.seed, **how))
        assert np.abs(it.pixels.astype(int) - alone).max() <= ROUNDING


def test_a_picture_from_an_image_is_handed_over_too(twin: EngineProcess) -> None:
    image = pixels_of(run(twin, refiner_inference_steps=0))
    how: dict[str, Any] = {
        "image": image,
        "image_url": "gs://bucket/a.png",
        "prompt": "a green square on a yellow background",
        "strength": 0.95,
        "num_inference_steps": 20,
        "refiner_inference_steps": 20,
    }
    alone = run(twin, **how)
    together, reported = run_and_record(twin, **how, high_noise_frac=0.8)
    assert (alone.refiner, together.refiner) == (False, True)
    assert len(steps_in("refine", reported)) - 1 == 4
    assert psnr(pixels_of(alone), pixels_of(together)) > SAME_PICTURE
    seen = look_at(pixels_of(together))
    assert (seen.colour, seen.background) == ("green", "yellow")


def test_an_inpainted_picture_is_handed_over_and_keeps_what_is_not_masked(
    twin: EngineProcess,
) -> None:
    image = pixels_of(run(twin, refiner_inference_steps=0))
    mask = np.zeros((128, 128), np.uint8)
    mask[32:96, 32:96] = 255
    result = run(
        twin,
        image=image,
        mask=mask,
        image_url="gs://bucket/a.png",
        mask_url="gs://bucket/m.png",
        strength=0.9,
        high_noise_frac=0.8,
    )
    assert result.refiner
    assert np.array_equal(pixels_of(result)[mask == 0], image[mask == 0])


STOCK = """
import sys
import numpy as np, torch
from diffusers import (DDIMScheduler, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline)
base = StableDiffusionXLPipeline.from_pretrained(
    sys.argv[1], dtype=torch.float32, variant="fp16", add_watermarker=False)
refiner = StableDiffusionXLImg2ImgPipeline.from_pretrained(
    sys.argv[1] + "/refiner", dtype=torch.float32, text_encoder_2=base.text_encoder_2,
    tokenizer_2=base.tokenizer_2, vae=base.vae, add_watermarker=False)
for pipe in (base, refiner):
    pipe.scheduler = DDIMScheduler.from_config(
        pipe.scheduler.config, clip_sample=False, set_alpha_to_one=False)
how = dict(prompt=sys.argv[2], negative_prompt="green star", num_inference_steps=20,
           generator=torch.Generator("cpu").manual_seed(7), guidance_scale=7.5)
latents = base(**how, width=128, height=128, denoising_end=0.8, output_type="latent").images
image = refiner(**how, image=latents, denoising_start=0.8).images[0]
np.save(sys.argv[3], np.asarray(image))
"""


def test_the_picture_is_that_of_the_published_base_and_refiner(
    refined: EngineProcess, refined_folder: Path, published: PublishedLibraries, tmp_path: Path
) -> None:
    file = tmp_path / "stock.npy"
    published.run(STOCK, refined_folder, PROMPT, file)
    ours = pixels_of(
        run(
            refined,
            negative_prompt="green star",
            num_inference_steps=20,
            refiner_inference_steps=20,
            high_noise_frac=0.8,
        )
    )
    assert np.abs(ours.astype(int) - np.load(file)).max() <= ROUNDING
