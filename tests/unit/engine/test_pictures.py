"""What the embedded model draws, judged by its pixels: every parameter of the request counts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import Pixels
from shared.request import Scheduler
from tests.unit.engine.images import ROUNDING, difference
from tests.unit.engine.jobs import PROMPT, make_job, run, run_and_record
from tests.unit.engine.judge import look_at, share_of
from tests.unit.engine.published import PublishedLibraries


def picture(engine: EngineProcess, seed: int = 7, **parameters: object) -> Pixels:
    return run(engine, seed, **parameters).pictures[0].pixels


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_a_red_circle_on_a_blue_background_is_drawn(engine: EngineProcess, seed: int) -> None:
    seen = look_at(picture(engine, seed))
    assert (seen.colour, seen.background) == ("red", "blue")
    assert 0.1 < seen.area < 0.4
    assert 0.9 < seen.roundness < 1.15


def test_the_prompt_decides_colours_and_shape(engine: EngineProcess) -> None:
    seen = look_at(picture(engine, prompt="a green triangle on a yellow background"))
    assert (seen.colour, seen.background) == ("green", "yellow")
    assert seen.roundness < 0.85


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_scheduler_draws_what_was_asked(engine: EngineProcess, scheduler: Scheduler) -> None:
    seen = look_at(picture(engine, scheduler=scheduler.value))
    assert (seen.colour, seen.background) == ("red", "blue")


def test_the_schedulers_draw_different_pictures(engine: EngineProcess) -> None:
    pictures = [picture(engine, scheduler=it.value, num_inference_steps=8) for it in Scheduler]
    for index, one in enumerate(pictures):
        for other in pictures[:index]:
            assert difference(one, other) > ROUNDING


@pytest.mark.parametrize("scheduler", Scheduler)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_scheduler_takes_the_smallest_numbers_of_steps(
    engine: EngineProcess, scheduler: Scheduler, steps: int
) -> None:
    result, reported = run_and_record(engine, scheduler=scheduler.value, num_inference_steps=steps)
    assert reported[-1].step == reported[-1].total_steps >= steps
    assert result.pictures[0].pixels.shape == (128, 128, 3)


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(
    engine: EngineProcess,
) -> None:
    first, again, other = (picture(engine, seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert difference(first, other) > 20


def test_the_largest_seed_is_taken(engine: EngineProcess) -> None:
    result = run(engine, 2**53 - 1, num_images=2, num_inference_steps=1)
    assert [it.seed for it in result.pictures] == [2**53 - 1, 2**53]


@pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER_ANCESTRAL"])
def test_picture_i_of_n_is_the_one_that_seed_plus_i_gives_alone(
    engine: EngineProcess, scheduler: str
) -> None:
    batch = run(engine, 7, num_images=2, scheduler=scheduler).pictures
    assert [it.seed for it in batch] == [7, 8]
    for it in batch:
        assert difference(it.pixels, picture(engine, it.seed, scheduler=scheduler)) <= ROUNDING


def test_a_negative_prompt_lowers_what_it_names(engine: EngineProcess) -> None:
    def red(negative: str | None) -> float:
        """Mean share of red over pictures whose prompt leaves the colours open."""
        pictures = [
            picture(
                engine, seed, prompt="a circle", negative_prompt=negative, num_inference_steps=12
            )
            for seed in range(8)
        ]
        return sum(share_of("red", it) for it in pictures) / len(pictures)

    without, against = red(None), red("a circle on a red background")
    assert without > 0.1
    assert against < 0.25 * without


def test_a_blank_negative_prompt_is_none_at_all(engine: EngineProcess) -> None:
    assert np.array_equal(picture(engine, negative_prompt=""), picture(engine))


def test_guidance_pulls_towards_the_prompt(engine: EngineProcess) -> None:
    loose, tight = (picture(engine, guidance_scale=scale) for scale in (0.0, 7.5))
    assert share_of("red", tight) + share_of("blue", tight) > 0.9
    assert difference(loose, tight) > 20


def test_more_steps_give_a_cleaner_picture(engine: EngineProcess) -> None:
    rough, fine, finest = (picture(engine, num_inference_steps=n) for n in (2, 20, 40))
    far = np.abs(rough.astype(int) - finest).mean()
    near = np.abs(fine.astype(int) - finest).mean()
    assert near < 0.5 * far


@pytest.mark.parametrize(
    ("asked", "native"),
    [
        ((256, 256), (128, 128)),
        ((1024, 1024), (128, 128)),
        ((1216, 832), (192, 128)),
        ((512, 768), (128, 192)),
        ((64, 64), (128, 128)),
    ],
)
def test_the_size_asked_for_is_the_size_given(
    engine: EngineProcess, asked: tuple[int, int], native: tuple[int, int]
) -> None:
    result = run(engine, width=asked[0], height=asked[1])
    assert result.native_size == native
    assert result.model == "shapes"
    height, width, _ = result.pictures[0].pixels.shape
    assert (width, height) == asked
    seen = look_at(result.pictures[0].pixels)
    assert (seen.colour, seen.background) == ("red", "blue")


def test_sizes_left_out_are_the_models_own(engine: EngineProcess) -> None:
    assert picture(engine).shape == (128, 128, 3)
    assert picture(engine, num_inference_steps=1, width=256).shape == (128, 256, 3)


def test_progress_counts_the_schedulers_own_steps(engine: EngineProcess) -> None:
    _, reported = run_and_record(engine, scheduler="PNDM", num_inference_steps=20)
    assert {it.total_steps for it in reported} == {21}
    assert [it.step for it in reported if it.stage == "denoise"] == list(range(22))


def test_seconds_of_every_stage_are_told(engine: EngineProcess) -> None:
    result = run(engine)
    assert set(result.timings) == {"encode", "denoise", "decode"}
    assert all(seconds > 0 for seconds in result.timings.values())
    assert result.timings["denoise"] == max(result.timings.values())


STOCK = """
import sys
import numpy as np, torch
from diffusers import DDIMScheduler, StableDiffusionXLPipeline
pipe = StableDiffusionXLPipeline.from_pretrained(
    sys.argv[1], dtype=torch.float32, variant="fp16", add_watermarker=False)
pipe.scheduler = DDIMScheduler.from_config(
    pipe.scheduler.config, clip_sample=False, set_alpha_to_one=False)
image = pipe(
    sys.argv[2], negative_prompt="green star", width=192, height=128, num_inference_steps=10,
    guidance_scale=4.0, generator=torch.Generator("cpu").manual_seed(7)).images[0]
np.save(sys.argv[3], np.asarray(image))
"""


def test_the_picture_is_that_of_a_plain_call_of_the_published_pipeline(
    engine: EngineProcess, published: PublishedLibraries, tmp_path: Path
) -> None:
    assert isinstance(SHAPES.source, FolderSource)
    file = tmp_path / "stock.npy"
    published.run(STOCK, SHAPES.source.folder, PROMPT, file)
    ours = picture(
        engine,
        negative_prompt="green star",
        width=192,
        height=128,
        num_inference_steps=10,
        guidance_scale=4.0,
    )
    assert difference(ours, np.load(file)) <= ROUNDING


def test_a_prompt_longer_than_the_model_reads_is_cut_not_refused(engine: EngineProcess) -> None:
    job = make_job(prompt=PROMPT + ", highly detailed" * 60, num_inference_steps=1)
    assert len(engine.run(job, lambda _: None).pictures) == 1


@pytest.mark.parametrize("scheduler", ["DDIM", "K_EULER", "Heun", "UniPC"])
def test_previews_come_ever_nearer_to_the_picture(engine: EngineProcess, scheduler: str) -> None:
    result, reported = run_and_record(engine, scheduler=scheduler, num_inference_steps=13)
    final = result.pictures[0].pixels

    def away(preview: Pixels) -> float:
        small = np.asarray(
            Image.fromarray(final).resize(preview.shape[1::-1], Image.Resampling.BOX)
        )
        return float(np.abs(preview.astype(int) - small).mean())

    distances = [away(it.preview) for it in reported if it.preview is not None]
    assert len(distances) >= 4
    assert distances[-1] < 0.6 * distances[0]
    assert distances[-1] < 25
