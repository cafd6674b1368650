"""Attention kernels are tried on a model's own calls: here with those that torch has for a CPU."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine import attention, attention_choice
from gpu_worker.engine.attention import KERNELS, AttentionOrder, Shape, rank, watched_calls
from gpu_worker.engine.attention_choice import FILE_NAME, AttentionChoice
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.model import FILMS, PICTURES, Model
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.engine.speed_options import Attention, SpeedOptions
from gpu_worker.ports import Pixels, no_frames
from tests.unit.engine.films import film_job
from tests.unit.engine.images import ROUNDING, difference
from tests.unit.engine.jobs import make_job

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DEVICE = choose_device()
#: What torch has on every CPU.
HERE = {Attention.FLASH, Attention.MATH}
CALLS = {Shape(2, 2, 64, 64, 16): 3, Shape(2, 2, 64, 32, 16): 3}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model((SHAPES, SHAPES.source), (SHAPES_FILM, SHAPES_FILM.source))


@pytest.fixture
def order() -> Any:
    order = AttentionOrder()
    yield order
    order.use(())


def draw(model: Model) -> Pixels:
    job = make_job(num_inference_steps=4, refiner_inference_steps=0)
    return model.generate(job, lambda _: None, lambda: None, no_frames).pictures[0].pixels


def test_a_model_s_own_calls_are_seen_while_it_works_and_those_of_texts_are_not(
    model: Model,
) -> None:
    with watched_calls() as pictures:
        draw(model)
    unet: Any = model._draw
    layers = sum("attn" in name for name in unet._pipelines.text2img.unet.attn_processors)
    # Two rows: with the prompt and without. The decoder's own attention is another call.
    assert sum(count for shape, count in pictures.items() if shape.rows == 2) == 4 * layers
    tokens = unet._pipelines.text2img.tokenizer.model_max_length
    assert any(shape.keys == tokens for shape in pictures)
    with watched_calls() as films:
        model.generate(
            film_job(num_inference_steps=1), lambda _: None, lambda: None, lambda _: None
        )
    assert films
    assert not set(films) & set(pictures)


def test_every_kernel_that_is_here_is_ranked_by_its_seconds_and_no_other() -> None:
    ranking = rank(CALLS, DEVICE)
    assert set(ranking) == HERE
    assert list(ranking.values()) == sorted(ranking.values())
    assert min(ranking.values()) > 0


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_each_kernel_is_plain_arithmetic_up_to_rounding(precision: Precision) -> None:
    device = choose_device(precision)
    assert all(attention._agrees(kernel, next(iter(CALLS)), device) for kernel in HERE)


def test_a_kernel_that_is_wrong_is_left_out_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attend = attention._attend

    def wrong(kernel: Attention, inputs: Any) -> torch.Tensor:
        output = attend(kernel, inputs)
        return output * 1.01 if kernel is Attention.FLASH else output

    monkeypatch.setattr(attention, "_attend", wrong)
    with caplog.at_level(logging.WARNING):
        assert set(rank(CALLS, DEVICE)) == HERE - {Attention.FLASH}
    assert "flash is off by" in caplog.text


def test_what_plain_arithmetic_would_have_to_write_down_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "MOST_SCORES", 1)
    assert set(rank(CALLS, DEVICE)) == HERE - {Attention.MATH}


@pytest.mark.parametrize("kernel", sorted(HERE))
def test_the_picture_is_the_same_with_each_kernel(
    model: Model, order: AttentionOrder, kernel: Attention
) -> None:
    usual = draw(model)
    order.use((kernel,))
    assert difference(usual, draw(model)) <= ROUNDING


def test_the_order_is_torch_s_own_again_when_nothing_is_wanted(order: AttentionOrder) -> None:
    before = torch._C._get_sdp_priority_order()
    order.use((Attention.MATH, Attention.FLASH))
    assert torch._C._get_sdp_priority_order()[0] == KERNELS[Attention.MATH].value
    order.use((Attention.FLASH,))
    assert torch._C._get_sdp_priority_order()[0] == KERNELS[Attention.FLASH].value
    order.use(())
    assert torch._C._get_sdp_priority_order() == before


def test_a_choice_is_kept_for_the_next_start_by_device_torch_precision_and_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kernels"
    tried: list[Any] = []

    def try_out(calls: Any, device: Any) -> Any:
        tried.append(calls)
        return rank(calls, device)

    monkeypatch.setattr(attention_choice, "rank", try_out)
    for _ in range(2):
        choice = AttentionChoice(Attention.AUTO, DEVICE, folder)
        choice.decide(PICTURES, CALLS)
    assert len(tried) == 1
    other = {Shape(1, 1, 8, 8, 8): 1}
    choice.decide(FILMS, other)
    bf16 = AttentionChoice(Attention.AUTO, choose_device(Precision.BF16), folder)
    bf16.decide(PICTURES, CALLS)
    assert tried == [CALLS, other, CALLS]
    kept = json.loads((folder / FILE_NAME).read_text())
    assert len(kept) == 3
    assert all(DEVICE.name in key and torch.__version__ in key for key in kept)
    assert [*folder.iterdir()] == [folder / FILE_NAME]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"x": {"zzz": 1}}', '{"x": 5}', '{"x": {"auto": 1}}']
)
def test_a_file_that_cannot_be_read_is_made_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(content)
    AttentionChoice(Attention.AUTO, DEVICE, tmp_path).decide(PICTURES, CALLS)
    (ranking,) = json.loads(file.read_text()).values()
    assert set(ranking) == {it.value for it in HERE}


def test_a_folder_that_cannot_be_written_costs_no_more_than_a_trial(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with caplog.at_level(logging.WARNING):
        AttentionChoice(Attention.AUTO, DEVICE, place).decide(PICTURES, CALLS)
    assert "cannot be written" in caplog.text


def test_pictures_and_films_have_choices_of_their_own() -> None:
    choice = AttentionChoice(Attention.AUTO, DEVICE)
    before = torch._C._get_sdp_priority_order()
    choice._rankings = {PICTURES: {Attention.MATH: 1.0}, FILMS: {Attention.FLASH: 1.0}}
    try:
        for kind, kernel in ((PICTURES, Attention.MATH), (FILMS, Attention.FLASH)):
            choice.use(kind)
            assert torch._C._get_sdp_priority_order()[0] == KERNELS[kernel].value
    finally:
        choice.use("neither")
    assert torch._C._get_sdp_priority_order() == before


def test_a_cpu_tries_nothing_and_a_kernel_that_is_forced_comes_first() -> None:
    before = torch._C._get_sdp_priority_order()
    assert not AttentionChoice(Attention.AUTO, DEVICE).tries
    forced = Model((SHAPES, SHAPES.source), speed=SpeedOptions(attention=Attention.MATH))
    usual = draw(Model((SHAPES, SHAPES.source)))
    assert torch._C._get_sdp_priority_order() == before
    try:
        assert difference(usual, draw(forced)) <= ROUNDING
        assert torch._C._get_sdp_priority_order()[0] == KERNELS[Attention.MATH].value
    finally:
        forced._attention._order.use(())


def test_a_warm_up_that_is_watched_decides(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, where alone it is done."""
    choice = AttentionChoice(Attention.AUTO, DEVICE)
    monkeypatch.setattr(AttentionChoice, "tries", True)
    before = draw(model)
    with choice.watching(PICTURES):
        draw(model)
    assert set(choice._rankings[PICTURES]) == HERE
    choice.use(PICTURES)
    try:
        assert difference(before, draw(model)) <= ROUNDING
    finally:
        choice.use("neither")
    assert np.array_equal(before, draw(model))
