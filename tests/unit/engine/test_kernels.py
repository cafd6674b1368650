"""The layout that a GPU gets, on a CPU: the same pictures up to rounding, LoRAs included."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine.device import choose_device
from gpu_worker.engine.drawing import Drawing
from gpu_worker.engine.loading import load_pipelines
from gpu_worker.engine.specs import SHAPES
from gpu_worker.ports import LoraFile, Pixels
from tests.unit.engine.images import ROUNDING, difference
from tests.unit.engine.jobs import make_job
from tests.unit.engine.lora_files import OTHER, UNET, lora_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


#: Where a picture looks at itself, and where at a text.
FUSED = {"FusedAttnProcessor2_0", "AttnProcessor2_0"}


def drawing(*, tuned: bool) -> Drawing:
    device = choose_device()
    torch.set_num_threads(1)
    return Drawing(SHAPES, load_pipelines(SHAPES, SHAPES.source, device), device, tuned=tuned)


@pytest.fixture(scope="module")
def plain() -> Drawing:
    return drawing(tuned=False)


@pytest.fixture(scope="module")
def tuned() -> Drawing:
    return drawing(tuned=True)


def draw(drawing: Drawing, *loras: LoraFile, **parameters: Any) -> Pixels:
    how = {"num_inference_steps": 6, "refiner_inference_steps": 0, **parameters}
    return drawing(make_job(loras=loras, **how), lambda _: None, lambda: None).pictures[0].pixels


def products(drawing: Drawing) -> set[str]:
    """Kinds of the base's attention processors."""
    unet = drawing._pipelines.text2img.unet
    return {type(it).__name__ for it in unet.attn_processors.values()}


def test_convolutions_are_laid_out_for_tensor_cores(tuned: Drawing) -> None:
    pipelines = tuned._pipelines
    assert pipelines.refiner is not None
    for module in (pipelines.text2img.unet, pipelines.text2img.vae, pipelines.refiner.unet):
        kernels = [it for it in module.parameters() if it.dim() == 4]
        assert kernels
        assert all(it.is_contiguous(memory_format=torch.channels_last) for it in kernels)


def test_only_self_attention_is_fused_and_the_refiner_keeps_nothing_twice(
    plain: Drawing, tuned: Drawing
) -> None:
    unfused, fused = (it._pipelines.text2img.unet for it in (plain, tuned))
    wide = [it for name, it in fused.named_parameters() if "to_qkv." in name]
    assert wide
    assert not [name for name, _ in fused.named_parameters() if "to_kv." in name]
    assert _size(fused) == _size(unfused) + sum(it.numel() for it in wide)
    for name, processor in fused.attn_processors.items():
        looks_at_itself = name.endswith("attn1.processor")
        assert (type(processor).__name__ == "FusedAttnProcessor2_0") == looks_at_itself
    assert plain._pipelines.refiner is not None
    assert tuned._pipelines.refiner is not None
    assert _size(tuned._pipelines.refiner.unet) == _size(plain._pipelines.refiner.unet)


def _size(module: torch.nn.Module) -> int:
    return sum(it.numel() for it in module.parameters())


def test_a_tuned_model_draws_the_same_pictures_up_to_rounding(
    plain: Drawing, tuned: Drawing
) -> None:
    assert products(tuned) == FUSED
    for how in ({}, {"refiner_inference_steps": 6, "high_noise_frac": 0.5}):
        assert difference(draw(plain, **how), draw(tuned, **how)) <= ROUNDING


def test_loras_go_on_without_the_fusion_and_it_is_there_again_after_them(
    plain: Drawing, tuned: Drawing, lora_folder: Path
) -> None:
    before = draw(tuned)
    for name in (UNET, OTHER):
        lora = lora_of(lora_folder, name)
        changed = draw(tuned, lora)
        assert difference(changed, draw(plain, lora)) <= ROUNDING
        assert difference(changed, before) > 10
        assert products(tuned) == FUSED
        assert np.array_equal(draw(tuned), before)


def test_while_a_lora_is_on_nothing_is_fused(tuned: Drawing, lora_folder: Path) -> None:
    seen: list[set[str]] = []
    job = make_job(
        loras=(lora_of(lora_folder, UNET),), num_inference_steps=1, refiner_inference_steps=0
    )
    tuned(job, lambda _: seen.append(products(tuned)), lambda: None)
    assert seen
    assert all(it == {"AttnProcessor2_0"} for it in seen)


def test_a_cpu_is_left_as_it_is(plain: Drawing) -> None:
    device = choose_device()
    left = Drawing(SHAPES, plain._pipelines, device)
    assert products(left) == {"AttnProcessor2_0"}
