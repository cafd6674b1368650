"""The two ways that are timed: a plain call of diffusers' eager pipelines, and our engine.

Both read the same prompts, take the same steps of the same modules and end with pixels in main
memory. The stock calls' stages are told apart by when their model is first and last called; nothing
waits for the GPU in between, since that would slow them down.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from bench.gpu_models import Size
from gpu_worker.engine.device import Device, wait_for
from gpu_worker.engine.film_loading import FilmPipelines
from gpu_worker.engine.legs import steps_for
from gpu_worker.engine.model import Model
from gpu_worker.engine.pipelines import Pipelines
from gpu_worker.ports import EngineJob, no_frames
from shared.parse import parse_request
from shared.request import Text2ImgRequest, Text2VideoRequest

PROMPT = "a red circle on a blue background"
NEGATIVE = "blurred"
SEED = 1
#: Seconds by stage, `total` among them.
Times = dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One request and how it is asked for of the stock pipelines."""

    name: str
    batch: int
    request: Text2ImgRequest | Text2VideoRequest

    @property
    def title(self) -> str:
        return f"{self.name}, batch {self.batch}"

    @property
    def job(self) -> EngineJob:
        return EngineJob(job_id=self.name, request=self.request, seed=SEED)

    @property
    def refiner_evaluations(self) -> int:
        request = self.request
        if not isinstance(request, Text2ImgRequest) or not request.refiner_inference_steps:
            return 0
        return steps_for(request.strength, request.refiner_inference_steps)


def picture_work(size: Size, batch: int, *, refined: bool) -> Work:
    request = parse_request(
        {
            "prompt": PROMPT,
            "negative_prompt": NEGATIVE,
            "width": size.picture,
            "height": size.picture,
            "num_images": batch,
            "num_inference_steps": size.picture_steps,
            "refiner_inference_steps": size.refiner_steps if refined else 0,
        },
        max_images=batch,
    )
    if not isinstance(request, Text2ImgRequest):
        raise TypeError(f"{request} asks for no picture")
    name = "SDXL, base and refiner" if refined else "SDXL, base alone"
    return Work(name=name, batch=batch, request=request)


def film_work(size: Size, steps: int) -> Work:
    """The size of a toy is not one that may be asked for: its engine draws small and enlarges."""
    request = parse_request(
        {
            "task_type": "text2video",
            "prompt": PROMPT,
            "negative_prompt": NEGATIVE,
            "num_frames": size.frames,
            "num_inference_steps": steps,
        }
    )
    if not isinstance(request, Text2VideoRequest):
        raise TypeError(f"{request} asks for no film")
    return Work(name=f"Wan2.1 1.3B, {steps} steps", batch=1, request=request)


@dataclass(kw_only=True, slots=True)
class _Span:
    """When a module was first called, and when it was done the last time."""

    calls: int
    device: Device
    seen: int = field(default=0)
    began: float = field(default=0.0)
    ended: float = field(default=0.0)

    def before(self, *_: Any) -> None:
        if self.seen == 0:
            self.began = _now(self.device)
        self.seen += 1

    def after(self, *_: Any) -> None:
        if self.seen == self.calls:
            self.ended = _now(self.device)


@contextmanager
def _span(module: Any, calls: int, device: Device) -> Iterator[_Span]:
    span = _Span(calls=calls, device=device)
    hooks = (
        module.register_forward_pre_hook(span.before),
        module.register_forward_hook(span.after),
    )
    try:
        yield span
    finally:
        for hook in hooks:
            hook.remove()
    if span.seen != calls:
        raise RuntimeError(f"the model was called {span.seen} times, {calls} were reckoned with")


def _now(device: Device) -> float:
    wait_for(device)
    return time.perf_counter()


def stock_picture(pipelines: Pipelines, work: Work, device: Device) -> Times:
    request, size = work.request, work.batch
    if not isinstance(request, Text2ImgRequest):
        raise TypeError(f"{work.name} is no picture")
    common: dict[str, Any] = {
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
        "num_images_per_prompt": size,
        "guidance_scale": request.guidance_scale,
    }
    noise = [torch.Generator("cpu").manual_seed(SEED + index) for index in range(size)]
    evaluations = work.refiner_evaluations
    base, refiner = pipelines.text2img, pipelines.refiner
    began = _now(device)
    with _span(base.unet, request.num_inference_steps, device) as denoising:
        drawn = base(
            **common,
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            generator=noise,
            output_type="latent" if evaluations else "np",
        ).images
    times = {
        "encode": denoising.began - began,
        "denoise": denoising.ended - denoising.began,
    }
    last = denoising.ended
    if evaluations and refiner is not None:
        with _span(refiner.unet, evaluations, device) as refining:
            refiner(
                **common,
                image=drawn,
                strength=request.strength,
                num_inference_steps=request.refiner_inference_steps,
                generator=noise,
                output_type="np",
            )
        times["encode"] += refining.began - last
        times["refine"] = refining.ended - refining.began
        last = refining.ended
    ended = _now(device)
    return {**times, "decode": ended - last, "total": ended - began}


def stock_film(pipelines: FilmPipelines, work: Work, size: Size, device: Device) -> Times:
    request = work.request
    if not isinstance(request, Text2VideoRequest):
        raise TypeError(f"{work.name} is no film")
    pipeline = pipelines.filming
    width, height = size.film
    calls = 2 * request.num_inference_steps
    began = _now(device)
    with _span(pipeline.transformer, calls, device) as denoising:
        pipeline(
            prompt=PROMPT,
            negative_prompt=NEGATIVE,
            width=width,
            height=height,
            num_frames=size.frames,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.video_guidance_scale,
            generator=torch.Generator("cpu").manual_seed(SEED),
            max_sequence_length=size.film_tokens,
            output_type="np",
        )
    ended = _now(device)
    return {
        "encode": denoising.began - began,
        "denoise": denoising.ended - denoising.began,
        "decode": ended - denoising.ended,
        "total": ended - began,
    }


def our_call(model: Model, device: Device) -> Callable[[Work], Times]:
    """Frames of a film go nowhere: encoding them is not the GPU's work."""
    return lambda work: _timed(
        lambda: model.generate(work.job, lambda _: None, lambda: None, no_frames).timings, device
    )


def _timed(run: Callable[[], Any], device: Device) -> Times:
    began = _now(device)
    stages = dict(run())
    return {**stages, "total": _now(device) - began}
