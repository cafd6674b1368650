"""Times each stage of stock diffusers and of our engine, next to the floor of the run.

The floor is the counted operations at the speed of the best matrix product that this device did a
moment before: nothing that does all of the work can be faster.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch

from bench.gpu_calls import (
    Times,
    Work,
    film_work,
    our_call,
    picture_work,
    stock_film,
    stock_picture,
)
from bench.gpu_counting import count_operations
from bench.gpu_engine import EngineWays, compile_for, film_engine, picture_engine
from bench.gpu_models import Size
from bench.gpu_numerics import Errors, transformer_error, unet_error
from bench.gpu_parts import Parts, film_pipelines, picture_pipelines
from gpu_worker.engine.device import Device, clean_up, memory_in_use, wait_for
from gpu_worker.engine.model import Model
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What one way took, by the works' titles."""

    #: Seconds by stage, medians.
    times: dict[str, Times]
    #: Bytes: of a GPU the most at once, else what the process holds at the end.
    memory: dict[str, int]


def take(
    works: Sequence[Work],
    call: Callable[[Work], Times],
    device: Device,
    rounds: int,
    prepare: Callable[[Callable[[], Times]], None] = lambda _: None,
) -> Taken:
    """One work after the other; `prepare` is given its call first, and the first round warms up."""
    taken = Taken(times={}, memory={})
    for work in works:
        if device.is_gpu:
            torch.cuda.reset_peak_memory_stats()

        def once(work: Work = work) -> Times:
            spent = call(work)
            return {**spent, "a step": spent["denoise"] / work.request.num_inference_steps}

        prepare(once)
        spent = [once() for _ in range(rounds + 1)][1:]
        taken.times[work.title] = {
            stage: statistics.median(it[stage] for it in spent) for stage in spent[0]
        }
        taken.memory[work.title] = _peak_memory(device)
    return taken


def rows_of(
    works: Sequence[Work], stock: Taken, ours: Taken, flop: dict[str, float], peak: float
) -> Iterator[Row]:
    for work in works:
        counted = operations(work, flop)
        for stage in STAGES:
            if stage in counted:
                yield Row(
                    work=work.name,
                    batch=work.batch,
                    stage=stage,
                    stock=stock.times[work.title][stage],
                    ours=ours.times[work.title][stage],
                    floor=counted[stage] / peak,
                    tflop=counted[stage] / 1e12,
                    goal=GOALS.get((work.name, stage)) if work.batch == 1 else None,
                )


def measure(
    size: Size, device: Device, ways: EngineWays, *, rounds: int, batches: Sequence[int]
) -> dict[str, Any]:
    """`rows` and what else is worth keeping.

    All stock calls come before all of ours: what the engine does to the layers of its models, and
    to torch's choice of kernels, it does for good. Each way has modules of its own; those of
    pictures and of films, or of both ways, never lie on the device at a time.
    """
    flop = count_operations(size)
    peak = ceiling(device, GPU_PRODUCT_SIDE if device.is_gpu else CPU_PRODUCT_SIDE)
    pictures = [
        picture_work(size, batch, refined=refined) for refined in (False, True) for batch in batches
    ]
    films = [film_work(size, steps) for steps in (size.film_steps, 2 * size.film_steps)]
    stock_pictures, unet = _stock_pictures(size, device, pictures, rounds)
    clean_up(device)
    stock_films, transformer = _stock_films(size, device, films, rounds)
    clean_up(device)
    our_pictures, graphs = _ours(pictures, picture_engine(size, device, ways), device, rounds)
    # What is compiled refers to its modules.
    torch.compiler.reset()
    clean_up(device)
    our_films, more_graphs = _ours(films, film_engine(size, device, ways), device, rounds)
    rows = [
        *rows_of(pictures, stock_pictures, our_pictures, flop, peak),
        *rows_of(films, stock_films, our_films, flop, peak),
    ]
    return {
        "device": device.name,
        "precision": str(device.precision),
        "matmul_tflop_per_second": peak / 1e12,
        "compiled_graphs": graphs + more_graphs,
        "flop": flop,
        "rows": [asdict(row) for row in rows],
        "cells": [row.cells() for row in rows],
        "errors": {"SDXL's UNet": unet, "Wan's transformer": transformer},
        "peak_memory_bytes": {
            "stock": {**stock_pictures.memory, **stock_films.memory},
            "ours": {**our_pictures.memory, **our_films.memory},
        },
    }


def _stock_pictures(
    size: Size, device: Device, works: Sequence[Work], rounds: int
) -> tuple[Taken, Errors]:
    parts = Parts(size, device.torch_device, device.dtype)
    pipelines = picture_pipelines(parts)
    taken = take(works, lambda it: stock_picture(pipelines, it, device), device, rounds)
    return taken, unet_error(parts, device)


def _stock_films(
    size: Size, device: Device, works: Sequence[Work], rounds: int
) -> tuple[Taken, Errors]:
    parts = Parts(size, device.torch_device, device.dtype)
    pipelines = film_pipelines(parts)
    taken = take(works, lambda it: stock_film(pipelines, it, size, device), device, rounds)
    return taken, transformer_error(parts, device)


def _ours(works: Sequence[Work], model: Model, device: Device, rounds: int) -> tuple[Taken, int]:
    """With how many graphs were compiled for it."""
    taken = take(
        works, our_call(model, device), device, rounds, prepare=partial(compile_for, model)
    )
    return taken, 0 if model.compiling is None else model.compiling.compile_all()


def _peak_memory(device: Device) -> int:
    if device.is_gpu:
        return torch.cuda.max_memory_allocated()
    return memory_in_use(device)["resident_bytes"]
