"""One text-to-picture job from request to pixels: sizes, scheduler, the stages, their seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image

from gpu_worker.engine import stages
from gpu_worker.engine.device import Device, wait_for
from gpu_worker.engine.schedulers import build_scheduler
from gpu_worker.engine.sizes import decide_sizes
from gpu_worker.engine.specs import ModelSpec, Size
from gpu_worker.ports import EngineProgress, EngineResult, Picture, Pixels
from shared.request import Text2ImgRequest


class Text2Img:
    """The task `text2img` on one loaded pipeline. One job at a time."""

    def __init__(self, spec: ModelSpec, pipeline: Any, device: Device) -> None:
        self._spec = spec
        self._pipeline = pipeline
        self._device = device
        # Jobs put their own scheduler on the pipeline; all derive from the checkpoint's.
        self._noise_schedule = pipeline.scheduler.config

    @torch.no_grad()
    def __call__(
        self,
        request: Text2ImgRequest,
        seed: int,
        report: Callable[[EngineProgress], None],
        stop_if_asked: Callable[[], None],
    ) -> EngineResult:
        """`stop_if_asked` may raise; it is called between stages, steps and pictures."""
        sizes = decide_sizes(self._spec, request.width, request.height)
        scheduler = build_scheduler(request.scheduler, self._noise_schedule)
        scheduler.set_timesteps(request.num_inference_steps)
        total = len(scheduler.timesteps)  # some schedulers take more than one for a step
        self._pipeline.scheduler = scheduler
        timings: dict[str, float] = {}

        def enter(stage: str, step: int) -> None:
            report(EngineProgress(stage=stage, step=step, total_steps=total))
            stop_if_asked()

        enter("encode", 0)
        with self._timed("encode", timings):
            encoded = stages.encode(self._pipeline, request)
        enter("denoise", 0)
        with self._timed("denoise", timings):
            latents = stages.denoise(
                self._pipeline,
                encoded,
                request,
                size=sizes.drawn,
                seed=seed,
                after_step=lambda step: enter("denoise", step),
            )
        enter("decode", total)
        pictures = []
        with self._timed("decode", timings):
            for index, latent in enumerate(latents):
                stop_if_asked()
                pixels = _resized(stages.decode(self._pipeline, latent), sizes.asked)
                pictures.append(Picture(pixels=pixels, seed=seed + index))
        return EngineResult(
            pictures=tuple(pictures),
            model=self._spec.name,
            native_size=sizes.drawn,
            timings=timings,
        )

    @contextmanager
    def _timed(self, stage: str, timings: dict[str, float]) -> Iterator[None]:
        started = time.perf_counter()
        yield
        wait_for(self._device)
        timings[stage] = time.perf_counter() - started


def _resized(pixels: Pixels, size: Size) -> Pixels:
    height, width, _ = pixels.shape
    if (width, height) == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
