"""The whole course on the smoke recipe: all stages, going on after an end, exports that load."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.unit.shapes.stages import CPU
from tools.evaluate_shapes import load
from tools.shapes.course import Course
from tools.shapes.noising import follow, weights
from tools.shapes.parts import NOISE_SCHEDULE
from tools.shapes.recipe import AUTOENCODER, BASE, FULL_RECIPE, LORA, REFINER, SHARES, SMOKE_RECIPE
from tools.shapes.recipe import STAGES as ALL_STAGES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def course_in(folder: Path, lines: list[str]) -> Course:
    return Course(
        recipe=SMOKE_RECIPE,
        folder=folder,
        target=folder / "export",
        seed=5,
        device=CPU,
        report=lines.append,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    course_in(folder, []).run(until=REFINER)
    return folder


def test_all_stages_leave_a_state_and_the_exports_draw(trained: Path) -> None:
    states = {file.stem for file in trained.glob("*.pt") if not file.stem.startswith("latents")}
    assert states == set(ALL_STAGES) - {LORA}
    assert (trained / "export" / "shapes" / "refiner" / "model_index.json").is_file()
    picture = load(trained / "export" / "shapes")(
        "a red circle", width=64, height=64, num_inference_steps=1
    ).images[0]
    assert picture.size == (64, 64)


def test_run_again_it_trains_nothing_and_exports_the_same(trained: Path) -> None:
    weights = trained / "export" / "shapes" / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    before = weights.read_bytes()
    lines: list[str] = []
    course_in(trained, lines).run(until=BASE)
    assert f"base: goes on after step {SMOKE_RECIPE.steps[BASE]}" in lines
    # The decoder's fine-tuning is a stage of its own: the UNet must not have moved.
    assert weights.read_bytes() == before


def test_what_an_unfinished_run_has_reached_can_be_exported(tmp_path: Path) -> None:
    lines: list[str] = []
    course_in(tmp_path, lines).run(until=AUTOENCODER)
    folder = course_in(tmp_path, lines).export_as_it_is()
    assert f"autoencoder: as after step {SMOKE_RECIPE.steps[AUTOENCODER]}" in lines
    pipeline = load(folder)
    measured = [line for line in lines if line.startswith("latents: scaled by")]
    assert measured[0] == measured[1]
    assert str(pipeline.vae.config.scaling_factor) in measured[0]


def test_a_course_goes_on_from_a_checkpoint_and_leaves_its_autoencoder(
    trained: Path, tmp_path: Path
) -> None:
    start = trained / "export" / "shapes"
    course = course_in(tmp_path, [])
    course.start = start
    course.run(until=BASE, only=[BASE])
    assert {file.stem for file in tmp_path.glob("*.pt") if "latents" not in file.stem} == {BASE}
    made = tmp_path / "export" / "shapes"
    assert not same_weights("unet", start, made)
    assert not same_weights("text_encoder_2", start, made, name="model")
    assert same_weights("vae", start, made)
    scheduler = "scheduler/scheduler_config.json"
    assert (start / scheduler).read_text() == (made / scheduler).read_text()


def test_text_encoders_held_still_are_those_of_the_checkpoint_bit_for_bit(
    trained: Path, tmp_path: Path
) -> None:
    start = trained / "export" / "shapes"
    course = course_in(tmp_path, [])
    course.start, course.still_texts = start, True
    course.run(until=BASE, only=[BASE])
    made = tmp_path / "export" / "shapes"
    assert not same_weights("unet", start, made)
    for part in ("text_encoder", "text_encoder_2"):
        assert same_weights(part, start, made, name="model")


def test_noise_follows_the_schedule_of_the_checkpoint_that_a_course_starts_from(
    trained: Path, tmp_path: Path
) -> None:
    start = shutil.copytree(trained / "export" / "shapes", tmp_path / "start")
    file = start / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"beta_end": 0.012}))
    last = torch.tensor([999])
    ours = float(weights(last)[0])
    course = course_in(tmp_path, [])
    course.start = start
    try:
        course.run(until=AUTOENCODER)
        # More is kept of the picture where the noise ends earlier.
        assert float(weights(last)[0]) > 10 * ours
    finally:
        follow(NOISE_SCHEDULE)


def same_weights(part: str, one: Path, other: Path, name: str = "diffusion_pytorch_model") -> bool:
    file = f"{part}/{name}.fp16.safetensors"
    return (one / file).read_bytes() == (other / file).read_bytes()


def test_the_lora_changes_pictures_and_only_while_it_is_loaded(tmp_path: Path) -> None:
    course_in(tmp_path, []).run()
    pipeline = load(tmp_path / "export" / "shapes")

    def draw() -> NDArray[np.int64]:
        picture = pipeline(
            "a red circle",
            width=64,
            height=64,
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(0),
        ).images[0]
        return np.asarray(picture, dtype=np.int64)

    plain = draw()
    pipeline.load_lora_weights(
        tmp_path / "export" / "shapes-lora", weight_name="pastel.safetensors", adapter_name="pastel"
    )
    assert np.abs(draw() - plain).max() > 0
    pipeline.unload_lora_weights()
    assert np.array_equal(draw(), plain)


def test_the_shares_of_a_budget_in_hours_make_a_whole() -> None:
    assert sum(SHARES.values()) == pytest.approx(1.0)
    assert set(SHARES) == set(ALL_STAGES) == set(FULL_RECIPE.steps)


def test_fewer_pictures_keep_the_proportions_of_the_sizes() -> None:
    fewer = FULL_RECIPE.with_pictures(4_000)
    assert fewer.pictures == {(128, 128): 4_000, (192, 128): 800, (128, 192): 800}
