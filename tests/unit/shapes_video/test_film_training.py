"""The film model's parts and its training: every stage on tiny widths, and what is left of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.wan.pipeline_wan import WanPipeline

from tools.shapes.export import bytes_of
from tools.shapes_video.clip import FRAMES, SIZES
from tools.shapes_video.course import SMOKE_RECIPE, STAGES, VideoCourse
from tools.shapes_video.export import MOST_BYTES, assemble, export_film_model
from tools.shapes_video.parts import (
    FULL,
    build_scheduler,
    build_text_encoder,
    build_transformer,
    build_vae,
)
from tools.shapes_video.tokens import TOKENS, build_tokenizer
from tools.shapes_video.transformer_stage import draw_shares, read

# torch says that it cannot fuse a norm of mixed precision; it computes it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film-course")
    course = VideoCourse(
        recipe=SMOKE_RECIPE,
        folder=folder,
        target=folder / "export",
        seed=0,
        device=torch.device("cpu"),
        report=lambda _: None,
    )
    return course.run()


def test_every_stage_leaves_its_state_and_the_course_a_pipeline(trained: Path) -> None:
    folder = trained.parents[1]
    assert all((folder / f"{stage}.pt").is_file() for stage in STAGES)
    pipeline: Any = WanPipeline.from_pretrained(trained, dtype=torch.float32, variant="fp16")
    pipeline.set_progress_bar_config(disable=True)
    width, height = SIZES[0]
    film = pipeline(
        "a red circle moving right",
        width=width,
        height=height,
        num_frames=FRAMES,
        num_inference_steps=1,
        max_sequence_length=TOKENS,
        output_type="np",
    ).frames[0]
    assert film.shape == (FRAMES, height, width, 3)


def test_the_full_checkpoint_is_small_enough_for_the_repository(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    pipeline = assemble(
        tokenizer=tokenizer,
        text_encoder=build_text_encoder(FULL, tokenizer),
        vae=build_vae(FULL),
        transformer=build_transformer(FULL),
    )
    assert bytes_of(export_film_model(pipeline, tmp_path)) <= MOST_BYTES


def test_the_tokenizer_numbers_words_alike_in_another_process() -> None:
    text = "A red circle moving right on a blue background, zebra"
    script = (
        "from tools.shapes_video.tokens import build_tokenizer;"
        f"print(build_tokenizer()({text!r}).input_ids)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert said.strip().splitlines()[-1] == str(build_tokenizer()(text).input_ids)


def test_states_behind_the_end_of_a_text_are_zeros_as_the_pipeline_gives_them() -> None:
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    encoder = build_text_encoder(SMOKE_RECIPE.widths, tokenizer).eval()
    pipeline = WanPipeline(
        tokenizer=tokenizer,
        text_encoder=encoder,
        vae=build_vae(SMOKE_RECIPE.widths),
        transformer=build_transformer(SMOKE_RECIPE.widths),
        scheduler=build_scheduler(),
    )
    with torch.no_grad():
        ours = read(encoder, tokenizer, ["a red circle", ""], torch.device("cpu"))
        theirs, without = pipeline.encode_prompt("a red circle", "", max_sequence_length=TOKENS)
    assert torch.allclose(ours, torch.cat([theirs, without]), atol=1e-6)
    assert not ours[0, 4:].any()


def test_shares_of_noise_lie_where_a_shifted_schedule_puts_its_steps() -> None:
    shares = draw_shares(20_000, torch.Generator().manual_seed(0))
    assert 0 < float(shares.min()) < float(shares.max()) < 1
    assert float(shares.median()) == pytest.approx(0.75, abs=0.02)  # 3 × ½ ÷ (1 + 2 × ½)
