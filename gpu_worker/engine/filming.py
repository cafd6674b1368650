"""One film job from request to frames: sizes, stages in order, their seconds, and its progress.

Frames leave while the rest is being decoded, some at a time; whoever takes them slowly makes the
decoder wait. Nothing here ever holds a film in full size, only its latents.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from gpu_worker.engine import film_stages
from gpu_worker.engine.device import Device, free_memory
from gpu_worker.engine.film_costs import FilmCosts
from gpu_worker.engine.film_decoding import decode_frames
from gpu_worker.engine.film_loading import FilmPipelines
from gpu_worker.engine.film_memory import needs_tiles
from gpu_worker.engine.film_preview import FilmPreviewer
from gpu_worker.engine.framing import resized
from gpu_worker.engine.retiming import retimed
from gpu_worker.engine.sizes import decide_film_sizes, decide_lengths
from gpu_worker.engine.specs import FilmSpec, Size
from gpu_worker.engine.text_cache import TextCache
from gpu_worker.engine.timing import StageTimer
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Film, Frames, Pixels
from shared.request import Text2VideoRequest

Report = Callable[[EngineProgress], None]
#: At most so many frames leave at once: 11 MB of 1280 × 720.
FRAMES_AT_ONCE = 4


class Filming:
    """text2video on one loaded model. One job at a time."""

    def __init__(
        self,
        spec: FilmSpec,
        pipelines: FilmPipelines,
        device: Device,
        *,
        texts: TextCache | None = None,
    ) -> None:
        """`texts` may be shared with other models."""
        self._spec = spec
        self._reading, self._pipeline = pipelines.reading, pipelines.filming
        self._remember = (texts or TextCache()).under(spec.name, device.precision)
        self._device = device
        # Jobs put their own scheduler on the pipeline; all derive from the checkpoint's.
        self._schedule = self._pipeline.scheduler.config
        self._previewer = FilmPreviewer(self._pipeline.vae)

    @property
    def transformer(self) -> Any:
        """The module that most of a film's seconds are spent in."""
        return self._pipeline.transformer

    @torch.no_grad()
    def __call__(
        self,
        job: EngineJob,
        report: Report,
        stop_if_asked: Callable[[], None],
        send_frames: Callable[[Frames], None],
    ) -> EngineResult:
        """`stop_if_asked` may raise; it is called between stages, steps and decoded latents."""
        request = job.request
        if not isinstance(request, Text2VideoRequest):
            raise TypeError(f"{type(request).__name__} asks for no film")
        sizes = decide_film_sizes(self._spec, request.video_width, request.video_height)
        lengths = decide_lengths(self._spec, request.num_frames)
        steps = request.num_inference_steps
        costs = FilmCosts.of(self._spec, request, lengths)
        timer = StageTimer(self._device)

        def tell(stage: str, step: int, *, decoded: float = 0.0) -> None:
            report(
                EngineProgress(
                    stage=stage,
                    step=step,
                    total_steps=steps,
                    fraction=costs.fraction(stage, step=step, decoded=decoded),
                    preview=self._previewer.take() if step else None,
                )
            )
            stop_if_asked()

        tell("encode", 0)
        with timer.stage("encode"):
            encoded = film_stages.encode(
                self._reading, request, self._device.torch_device, self._remember
            )
        tell("denoise", 0)
        with timer.stage("denoise"):
            scheduler = film_stages.build_film_scheduler(
                self._pipeline.scheduler, self._schedule, self._spec, sizes
            )
            self._previewer.watch(scheduler)
            self._pipeline.scheduler = scheduler
            latents = film_stages.denoise(
                self._pipeline,
                encoded,
                sizes,
                lengths,
                seed=job.seed,
                steps=steps,
                guided=costs.guided,
                after_step=lambda step: tell("denoise", step),
                stop_if_asked=stop_if_asked,
            )
        tell("decode", steps)
        sent = 0
        with timer.stage("decode"):
            self._choose_tiles(sizes.drawn)
            chunks = decode_frames(
                self._pipeline.vae, latents, lambda share: tell("decode", steps, decoded=share)
            )
            drawn = _one_by_one(chunks)
            asked = retimed(drawn, lengths.drawn, lengths.asked)
            for frames in _batches(resized(frame, sizes.asked) for frame in asked):
                send_frames(frames)
                sent += len(frames)
                stop_if_asked()
        tell("decode", steps, decoded=1.0)
        return EngineResult(
            film=Film(frames=sent, size=sizes.asked, seed=job.seed),
            model=self._spec.name,
            native_size=sizes.drawn,
            native_frames=lengths.drawn,
            prompt_truncated=encoded.truncated,
            timings=timer.seconds,
        )

    def _choose_tiles(self, size: Size) -> None:
        vae = self._pipeline.vae
        if self._device.is_gpu and needs_tiles(free_memory(self._device), size):
            vae.enable_tiling()
        else:
            vae.disable_tiling()


def _one_by_one(chunks: Iterator[Frames]) -> Iterator[Pixels]:
    for frames in chunks:
        yield from frames


def _batches(frames: Iterator[Pixels]) -> Iterator[Frames]:
    batch: list[Pixels] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == FRAMES_AT_ONCE:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
