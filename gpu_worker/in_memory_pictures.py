"""What the engine in memory makes: pictures and films of one colour each, which the seed decides.

A film's frames are each of another colour, and come a few at a time. Nothing here waits or fails.
"""

import zlib
from collections.abc import Iterator

import numpy as np

from gpu_worker.engine.sizes import whole_latents
from gpu_worker.engine.specs import Size
from gpu_worker.ports import EngineJob, EngineResult, Film, Frames, Picture, Pixels
from shared.request import ImageRequest, Text2VideoRequest

MODEL = "in-memory"
FILM_MODEL = "in-memory-film"
NATIVE_SIZE: Size = (128, 128)
#: Every so many steps.
PREVIEW_STEPS = 4
PREVIEW_SIZE: Size = (16, 16)
#: Of a film, at most.
FRAMES_AT_ONCE = 4
NO_TIME = {"encode": 0.0, "denoise": 0.0, "decode": 0.0}


def preview_of(job: EngineJob, step: int) -> Pixels | None:
    """What comes with the report of a step; steps count from 1."""
    return _paint(PREVIEW_SIZE, job.seed) if step % PREVIEW_STEPS == 1 else None


def pictures_of(job: EngineJob, request: ImageRequest) -> EngineResult:
    """Of the size asked for, or else of the job's image's."""
    own = NATIVE_SIZE if job.image is None else (job.image.shape[1], job.image.shape[0])
    size = (request.width or own[0], request.height or own[1])
    seeds = range(job.seed, job.seed + request.num_images)
    # A LoRA shows, but for none of it.
    tint = [(lora.name, lora.weight) for lora in job.loras if lora.weight != 0]
    return EngineResult(
        pictures=tuple(Picture(pixels=_paint(size, seed, *tint), seed=seed) for seed in seeds),
        model=MODEL,
        native_size=NATIVE_SIZE,
        few_steps=job.few_steps,
        timings=dict(NO_TIME),
    )


def film_of(job: EngineJob, request: Text2VideoRequest) -> EngineResult:
    size, frames = _size(request), frame_count(request)
    return EngineResult(
        film=Film(frames=frames, size=size, seed=job.seed),
        model=FILM_MODEL,
        native_size=size,
        native_frames=frames,
        timings=dict(NO_TIME),
    )


def frame_count(request: Text2VideoRequest) -> int:
    return whole_latents(request.num_frames)


def chunks_of(count: int) -> Iterator[range]:
    """The numbers, from 1, of the frames that are handed over at once."""
    for first in range(1, count + 1, FRAMES_AT_ONCE):
        yield range(first, min(first + FRAMES_AT_ONCE, count + 1))


def paint_frames(job: EngineJob, request: Text2VideoRequest, numbers: range) -> Frames:
    return np.stack([_paint(_size(request), job.seed, number) for number in numbers])


def _size(request: Text2VideoRequest) -> Size:
    return (request.video_width, request.video_height)


def _paint(size: Size, *origin: object) -> Pixels:
    """One colour, which `origin` decides."""
    width, height = size
    colour = np.random.default_rng(zlib.crc32(repr(origin).encode())).integers(
        0, 256, 3, dtype=np.uint8
    )
    return np.tile(colour, (height, width, 1))
