"""Exported folders load through `from_pretrained` and the engine's own loader, and draw."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from PIL import Image

from tests.unit.shapes.stages import TinyParts
from tools.evaluate_shapes import as_markdown, examine, load
from tools.shapes.contact_sheet import COLUMNS, contact_sheet
from tools.shapes.denoising import token_ids
from tools.shapes.exam import set_exam
from tools.shapes.export import MOST_BYTES, bytes_of, export_base, export_refiner
from tools.shapes.marking import CRITERIA
from tools.shapes.parts import (
    FULL,
    build_refiner_unet,
    build_text_encoders,
    build_unet,
    build_vae,
)
from tools.shapes.tokens import build_tokenizer

# diffusers' Euler scheduler hands torch tensors to numpy in a way that numpy 2 is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PROMPT = "a red circle on a blue background"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    parts = TinyParts()
    export_base(parts.pipeline(), folder)
    export_refiner(parts.refiner, folder)
    return folder


def test_a_loaded_base_draws_what_the_parts_draw_in_memory(exported: Path) -> None:
    def draw(pipeline: Any) -> torch.Tensor:
        pipeline.set_progress_bar_config(disable=True)
        latents: torch.Tensor = pipeline(
            PROMPT,
            negative_prompt="red",
            width=64,
            height=64,
            num_inference_steps=2,
            output_type="latent",
            generator=torch.Generator().manual_seed(0),
        ).images
        return latents

    assert torch.allclose(draw(load(exported / "shapes")), draw(TinyParts().pipeline()), atol=0.05)


def test_weights_are_16_bit_and_no_file_names_this_machine(exported: Path) -> None:
    loaded: Any = StableDiffusionXLPipeline.from_pretrained(
        exported / "shapes", dtype=torch.float16, variant="fp16", add_watermarker=False
    )
    assert loaded.unet.dtype == torch.float16
    assert loaded.config.force_zeros_for_empty_prompt
    assert len(list(exported.rglob("*.fp16.safetensors"))) == 5
    for file in exported.rglob("*.json"):
        assert str(exported.parent) not in file.read_text()
        assert "_name_or_path" not in json.loads(file.read_text())


def test_the_tokenizer_is_saved_as_it_was_built_however_it_was_used(tmp_path: Path) -> None:
    pipeline = TinyParts().pipeline()
    token_ids(pipeline.tokenizer, [PROMPT])
    export_base(pipeline, tmp_path)
    saved = json.loads((tmp_path / "shapes" / "tokenizer" / "tokenizer.json").read_text())
    assert (saved["truncation"], saved["padding"]) == (None, None)


def test_the_refiner_loads_with_the_parts_of_the_base_and_takes_over(exported: Path) -> None:
    base = load(exported / "shapes")
    refiner: Any = StableDiffusionXLImg2ImgPipeline.from_pretrained(
        exported / "shapes" / "refiner",
        vae=base.vae,
        text_encoder_2=base.text_encoder_2,
        tokenizer_2=base.tokenizer_2,
        variant="fp16",
        dtype=torch.float32,
        add_watermarker=False,
    )
    assert refiner.config.requires_aesthetics_score
    refiner.set_progress_bar_config(disable=True)
    latents = base(
        PROMPT, width=64, height=64, num_inference_steps=4, denoising_end=0.5, output_type="latent"
    ).images
    picture = refiner(
        PROMPT, image=latents, num_inference_steps=4, denoising_start=0.5, output_type="pil"
    ).images[0]
    assert picture.size == (64, 64)


def test_all_parts_at_full_width_stay_below_the_limit_on_disk() -> None:
    parts = [
        build_vae(FULL),
        *build_text_encoders(FULL, build_tokenizer()),
        build_unet(FULL),
        build_refiner_unet(FULL),
    ]
    halves = 2 * sum(it.numel() for part in parts for it in part.parameters())
    # What else there is: two tokenizers, configs, and the LoRA.
    assert halves < MOST_BYTES - 600_000


def test_the_exam_runs_on_an_exported_folder(exported: Path) -> None:
    questions = set_exam()[:3]
    marks, pictures, seconds = examine(load(exported / "shapes"), questions, guidance=3.0, steps=1)
    assert [it.question for it in marks] == questions
    assert {picture.size for picture in pictures} == {(128, 128)}
    assert seconds > 0
    assert bytes_of(exported) > 0


def test_figures_become_a_table_with_the_goals() -> None:
    row = {"right": dict.fromkeys(CRITERIA, 0.5), "seconds": 0.25}
    table = as_markdown({"guidance": {"7.5": row}})
    assert "| 7.5 | 50.0% |" in table
    assert "| goal | 99.5% |" in table


def test_a_contact_sheet_frames_the_wrong_ones_in_red() -> None:
    pictures = [Image.new("RGB", (16, 16), (0, 0, 255)) for _ in range(COLUMNS + 1)]
    sheet = contact_sheet(pictures, [True] * COLUMNS + [False])
    assert sheet.size == (COLUMNS * 20 + 4, 2 * 20 + 4)
    assert sheet.getpixel((1, 22)) == (255, 0, 0)
    assert sheet.getpixel((1, 1)) != (255, 0, 0)
    assert sheet.getpixel((10, 10)) == (0, 0, 255)


def test_a_contact_sheet_has_room_for_the_largest_picture() -> None:
    upright, wide = Image.new("RGB", (8, 16), (0, 0, 255)), Image.new("RGB", (16, 8), (0, 255, 0))
    sheet = contact_sheet([wide, upright, wide], [True] * 3, columns=2)
    assert sheet.size == (2 * 20 + 4, 2 * 20 + 4)
    assert sheet.getpixel((25, 18)) == (0, 0, 255)
