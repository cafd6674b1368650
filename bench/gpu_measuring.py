"""Times each stage of stock diffusers and of our engine in turn, next to the floor of the run.

The floor is the counted operations at the speed of the best matrix product that this device did a
moment before: nothing that does all of the work can be faster.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from bench.gpu_calls import (
    Times,
    Work,
    film_work,
    our_film,
    our_picture,
    picture_work,
    stock_film,
    stock_picture,
)
from bench.gpu_counting import count_operations
from bench.gpu_models import Size
from bench.gpu_numerics import Errors, transformer_error, unet_error
from bench.gpu_parts import Parts, film_pipelines, picture_pipelines
from gpu_worker.engine.device import Device, clean_up, memory_in_use, wait_for
from shared.request import Text2VideoRequest

#: Seconds on an H100, of our engine and one picture or film.
GOALS = {
    ("SDXL, base alone", "total"): 0.9,
    ("Wan2.1 1.3B, 25 steps", "total"): 28.0,
    ("Wan2.1 1.3B, 50 steps", "total"): 55.0,
    ("Wan2.1 1.3B, 25 steps", "decode"): 1.6,
}
#: Sides of the square products that say what the device can do.
GPU_PRODUCT_SIDE, CPU_PRODUCT_SIDE = 8192, 512
STAGES = ("encode", "a step", "denoise", "refine", "decode", "total")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    work: str
    batch: int
    stage: str
    #: Seconds, medians.
    stock: float
    ours: float
    floor: float
    tflop: float
    goal: float | None

    def cells(self) -> list[str]:
        return [
            self.work,
            str(self.batch),
            self.stage,
            *(f"{seconds:.3f} s" for seconds in (self.stock, self.ours, self.floor)),
            f"{self.tflop / self.ours:.3g}",
            "" if self.goal is None else f"{self.goal} s",
        ]


def ceiling(device: Device, side: int) -> float:
    """FLOP/s of the best of some square matrix products in the device's precision."""
    left, right = (
        torch.randn(side, side, device=device.torch_device).to(device.dtype) for _ in range(2)
    )
    best = 0.0
    for _ in range(20):
        wait_for(device)
        began = time.perf_counter()
        torch.mm(left, right)
        wait_for(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - began))
    return best


def operations(work: Work, counted: dict[str, float]) -> dict[str, float]:
    """FLOP of each stage of `work`, of a step of its denoising, and of all of it."""
    steps = work.request.num_inference_steps
    if isinstance(work.request, Text2VideoRequest):
        stages = {
            "encode": counted["film_encode"],
            "denoise": steps * counted["film_step"],
            "decode": counted["film_decode"],
        }
    else:
        stages = {
            "encode": counted["encode"],
            "denoise": work.batch * steps * counted["step"],
            "decode": work.batch * counted["decode"],
        }
        if work.refiner_evaluations:
            stages["encode"] += counted["refiner_encode"]
            evaluations = work.batch * work.refiner_evaluations
            stages["refine"] = evaluations * counted["refiner_step"]
    whole = {"a step": stages["denoise"] / steps, "total": sum(stages.values())}
    return {**stages, **whole}


def compare(
    work: Work,
    ways: Sequence[Callable[[], Times]],
    flop: dict[str, float],
    peak: float,
    rounds: int,
) -> Iterator[Row]:
    """`ways` are stock and ours, taken in turn; the first turn of each warms up."""
    times: list[list[Times]] = [[], []]
    for _ in range(rounds + 1):
        for taken, way in zip(times, ways, strict=True):
            spent = way()
            taken.append({**spent, "a step": spent["denoise"] / work.request.num_inference_steps})
    medians = [
        {stage: statistics.median(it[stage] for it in taken[1:]) for stage in taken[0]}
        for taken in times
    ]
    for stage in STAGES:
        if stage in flop:
            yield Row(
                work=work.name,
                batch=work.batch,
                stage=stage,
                stock=medians[0][stage],
                ours=medians[1][stage],
                floor=flop[stage] / peak,
                tflop=flop[stage] / 1e12,
                goal=GOALS.get((work.name, stage)) if work.batch == 1 else None,
            )


def measure(size: Size, device: Device, *, rounds: int, batches: Sequence[int]) -> dict[str, Any]:
    """`rows` and what else is worth keeping. Pictures first, then films: both need not fit."""
    flop = count_operations(size)
    peak = ceiling(device, GPU_PRODUCT_SIDE if device.is_gpu else CPU_PRODUCT_SIDE)
    rows: list[Row] = []
    memory: dict[str, int] = {}

    def take(work: Work, stock: Callable[[Work], Times], ours: Callable[[Work], Times]) -> None:
        if device.is_gpu:
            torch.cuda.reset_peak_memory_stats()
        ways = (lambda: stock(work), lambda: ours(work))
        rows.extend(compare(work, ways, operations(work, flop), peak, rounds))
        memory[f"{work.name}, batch {work.batch}"] = _peak_memory(device)

    errors = {"SDXL's UNet": _pictures(size, device, batches, take)}
    clean_up(device)
    errors["Wan's transformer"] = _films(size, device, take)
    return {
        "device": device.name,
        "precision": str(device.precision),
        "matmul_tflop_per_second": peak / 1e12,
        "flop": flop,
        "rows": [asdict(row) for row in rows],
        "cells": [row.cells() for row in rows],
        "errors": errors,
        "peak_memory_bytes": memory,
    }


Take = Callable[[Work, Callable[[Work], Times], Callable[[Work], Times]], None]


def _pictures(size: Size, device: Device, batches: Sequence[int], take: Take) -> Errors:
    parts = Parts(size, device.torch_device, device.dtype)
    pipelines = picture_pipelines(parts)
    ours = our_picture(pipelines, device)
    for refined in (False, True):
        for batch in batches:
            work = picture_work(size, batch, refined=refined)
            take(work, lambda it: stock_picture(pipelines, it, device), ours)
    return unet_error(parts, device)


def _films(size: Size, device: Device, take: Take) -> Errors:
    parts = Parts(size, device.torch_device, device.dtype)
    pipelines = film_pipelines(parts)
    ours = our_film(pipelines, size, device)
    for steps in (size.film_steps, 2 * size.film_steps):
        work = film_work(size, steps)
        take(work, lambda it: stock_film(pipelines, it, size, device), ours)
    return transformer_error(parts, device)


def _peak_memory(device: Device) -> int:
    """Bytes: of a GPU the most at once, else what the process holds now."""
    if device.is_gpu:
        return torch.cuda.max_memory_allocated()
    return memory_in_use(device)["resident_bytes"]
