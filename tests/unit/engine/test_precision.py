"""Precision: what is chosen for a device, what is refused, and how near its pictures are."""

import numpy as np
import pytest
import torch

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.precision import Precision, choose_precision
from gpu_worker.ports import EngineInfo, Pixels
from shared.errors import GenerationError
from tests.unit.engine.jobs import PATIENCE_SECONDS, run
from tests.unit.engine.judge import look_at


def ready(precision: Precision) -> tuple[EngineProcess, EngineInfo]:
    engine = EngineProcess("shapes", precision=precision)
    engine.start()
    return engine, engine.wait_ready(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("wanted", "gpu", "has_bf16", "chosen"),
    [
        (Precision.AUTO, True, True, Precision.BF16),
        (Precision.AUTO, True, False, Precision.FP16),
        (Precision.AUTO, False, True, Precision.FP32),
        (Precision.FP32, True, True, Precision.FP32),
        (Precision.FP16, True, True, Precision.FP16),
        (Precision.BF16, True, True, Precision.BF16),
        (Precision.BF16, False, True, Precision.BF16),
    ],
)
def test_the_precision_is_the_one_asked_for_or_the_best_of_the_device(
    wanted: Precision, gpu: bool, has_bf16: bool, chosen: Precision
) -> None:
    assert choose_precision(wanted, gpu=gpu, has_bf16=has_bf16) is chosen


@pytest.mark.parametrize(("has_bf16", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_that_only_emulates_bf16_computes_in_fp16(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, dtype: torch.dtype
) -> None:
    """torch's answers stand in for a GPU: there is none where the tests run."""

    def supported(including_emulation: bool = True) -> bool:
        return has_bf16 or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Test GPU")
    device = choose_device()
    assert (device.is_gpu, device.dtype, device.name) == (True, dtype, "Test GPU")


def test_a_gpu_without_bf16_refuses_it_with_a_sentence() -> None:
    with pytest.raises(GenerationError, match="bf16, which this GPU does not have; it must be"):
        choose_precision(Precision.BF16, gpu=True, has_bf16=False)


def psnr(one: Pixels, other: Pixels) -> float:
    """dB; 50 is a difference of under one step of 8 bits."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


@pytest.mark.parametrize(
    ("precision", "least"),
    # On 12 pictures of 4 schedulers 48.3 to 51.1 dB were found, and 59.5 to 61.5.
    [(Precision.BF16, 42), (Precision.FP16, 52)],
)
def test_lower_precision_draws_nearly_the_same_picture(
    engine: EngineProcess, precision: Precision, least: float
) -> None:
    lower, info = ready(precision)
    try:
        assert info.precision == precision.value
        for scheduler in ("DDIM", "DPMSolverMultistep"):
            exact, near = (
                run(it, scheduler=scheduler, refiner_inference_steps=0).pictures[0].pixels
                for it in (engine, lower)
            )
            seen = look_at(near)
            assert (seen.colour, seen.background) == ("red", "blue")
            assert not np.array_equal(exact, near)
            assert psnr(exact, near) > least
    finally:
        lower.close()


def test_fp32_can_be_asked_for(engine: EngineProcess) -> None:
    asked, info = ready(Precision.FP32)
    try:
        assert info.precision == "fp32"
        one, other = (
            run(it, num_inference_steps=2, refiner_inference_steps=0).pictures[0].pixels
            for it in (asked, engine)
        )
        assert np.array_equal(one, other)
    finally:
        asked.close()
