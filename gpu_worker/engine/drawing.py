"""Picture jobs, one or a batch, from request to pixels: sizes, legs, the stages in order."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from gpu_worker.engine import stages
from gpu_worker.engine.batch import Batch, Sketch, joined
from gpu_worker.engine.batch_trial import time_steps
from gpu_worker.engine.device import Device
from gpu_worker.engine.few_steps import as_drawn
from gpu_worker.engine.framing import Frame, resized
from gpu_worker.engine.kernels import tune
from gpu_worker.engine.legs import Leg
from gpu_worker.engine.loras import LoraShelf, loras_on
from gpu_worker.engine.pipelines import Pipelines
from gpu_worker.engine.planning import Legs, plan_legs
from gpu_worker.engine.preview import Previewer
from gpu_worker.engine.seat import Fault, Outcome, Seat
from gpu_worker.engine.sizes import decide_sizes
from gpu_worker.engine.specs import PictureSpec
from gpu_worker.engine.text_cache import TextCache, Texts
from gpu_worker.engine.timing import StageTimer
from gpu_worker.ports import (
    EngineJob,
    EngineProgress,
    EngineResult,
    FewSteps,
    LoraFile,
    Picture,
)
from shared.request import ImageRequest

Report = Callable[[EngineProgress], None]


class Drawing:
    """The picture tasks on one loaded model. One job or one batch at a time."""

    def __init__(
        self,
        spec: PictureSpec,
        pipelines: Pipelines,
        device: Device,
        *,
        texts: TextCache | None = None,
        tuned: bool | None = None,
    ) -> None:
        """`texts` may be shared with other models. Not `tuned`: on a GPU only."""
        self._spec = spec
        self._texts = texts or TextCache()
        self._pipelines = pipelines
        self._device = device
        # Jobs put their own scheduler on the pipelines; all derive from the checkpoints'.
        self._base_schedule = pipelines.text2img.scheduler.config
        refiner = pipelines.refiner
        self._refiner_schedule = refiner.scheduler.config if refiner is not None else None
        self._previewer = Previewer(pipelines.text2img)
        projections = tune(pipelines) if (device.is_gpu if tuned is None else tuned) else None
        self._loras = LoraShelf(
            pipelines.text2img,
            spec.name,
            None if projections is None else lambda on: projections.use(fused=not on),
        )

    def unets(self) -> dict[str, Any]:
        """The modules that most of a picture's seconds are spent in, by their names."""
        found = {"unet": self._pipelines.text2img.unet}
        if self._pipelines.refiner is not None:
            found["refiner"] = self._pipelines.refiner.unet
        return found

    def is_plain(self) -> bool:
        """Whether their layers are as they came: no LoRA is kept there, switched on or not."""
        return self._loras.is_empty

    def __call__(
        self, job: EngineJob, report: Report, stop_if_asked: Callable[[], None]
    ) -> EngineResult:
        """One job alone. `stop_if_asked` may raise; it is called between stages, steps, pictures.

        Raises what went wrong.
        """
        outcomes: list[Outcome] = []
        seat = Seat(job=job, report=report, stop_if_asked=stop_if_asked, answer=outcomes.append)
        self.together([seat])
        (outcome,) = outcomes
        if isinstance(outcome, Fault):
            raise outcome.error
        return outcome

    @torch.no_grad()
    def together(self, seats: Sequence[Seat]) -> None:
        """Jobs of one `company_key`. Each seat gets its answer; no fault of a job's is raised.

        Seconds of a result are the job's share: those of all jobs add up to the batch's.
        """
        batch = Batch(device=self._device, previewer=self._previewer)
        for seat in seats:
            try:
                batch.present.append(self._sketch(seat))
            except Exception as error:  # noqa: BLE001 - its job is told
                seat.answer(Fault(error=error))
        if not batch.present:
            return
        with batch.shared():
            one = batch.present[0]
            legs = self._plan(one.request, one.few_steps)
            batch.evaluations = legs.evaluations
            with self._loras.applied(one.seat.job.loras, one.chosen):
                self._draw(batch, legs)

    def time_steps(self) -> dict[int, float]:
        """Seconds of a denoising step by rows; see `batch_trial`."""
        return time_steps(self._pipelines.text2img, self._base_schedule, self._spec, self._device)

    def in_each_step(self, work: Callable[[], None]) -> None:
        """Have `work` done for others once the model's evaluation is on its way."""
        self._previewer.in_each_step(work)

    def read_ahead(self, request: ImageRequest, texts: Texts) -> bool:
        """The texts of a job that waits and has no LoRAs, by way of `texts`, whose exceptions are
        passed on. False while LoRAs are on the encoders; call under `torch.no_grad()`."""
        if self._loras.is_on:
            return False
        refines = self._plan(request).refiner is not None
        self._read((), request, refines=refines, texts=texts)
        return True

    def _sketch(self, seat: Seat) -> Sketch:
        job, request = seat.job, seat.job.request
        if not isinstance(request, ImageRequest):
            raise TypeError(f"{type(request).__name__} asks for no picture")
        sizes = decide_sizes(self._spec, request.width, request.height, job.image)
        return Sketch(
            seat=seat,
            request=as_drawn(request, job.few_steps),
            few_steps=job.few_steps,
            sizes=sizes,
            frame=None if job.image is None else Frame.of(job.image, job.mask, sizes.asked),
            generators=stages.make_generators(job.seed, request.num_images),
            timer=StageTimer(self._device),
        )

    def _draw(self, batch: Batch, legs: Legs) -> None:
        for sketch in batch:
            with batch.own(sketch):
                batch.tell(sketch, "encode", 0)
                with sketch.timer.stage("encode"):
                    self._encode(sketch, legs)
        latents: Any = None
        done = 0
        if legs.base is not None:
            batch.enter("denoise", 0)
            with batch.timed("denoise"):
                latents = self._denoise(batch, legs.base)
            done = legs.base.evaluations
        elif batch.present:
            latents = torch.cat([it.latents for it in batch])
        if legs.refiner is not None:
            gone_on = batch.enter("refine", done)
            with batch.timed("refine"):
                latents = self._refine(
                    batch, legs.refiner, latents if gone_on is None else latents[gone_on], done
                )
        gone_on = batch.enter("decode", legs.evaluations)
        if gone_on is not None:
            latents = latents[gone_on]
        for sketch, of_it in zip(batch, latents.split([it.rows for it in batch]), strict=True):
            with batch.own(sketch):
                self._decode(batch, sketch, of_it, refined=legs.refiner is not None)

    def _encode(self, sketch: Sketch, legs: Legs) -> None:
        sketch.encoded, sketch.for_refiner = self._read(
            (*sketch.seat.job.loras, *sketch.chosen),
            sketch.request,
            refines=legs.refiner is not None,
            texts=self._texts,
        )
        if sketch.frame is not None:
            sketch.latents = stages.encode_image(
                self._pipelines.text2img,
                sketch.frame.drawn_image(sketch.sizes.drawn),
                sketch.generators,
            )

    def _denoise(self, batch: Batch, leg: Leg) -> torch.Tensor:
        pipeline, task = self._task(batch.present)
        self._previewer.watch(leg.scheduler, lambda: batch.first_rows)
        return stages.denoise(
            pipeline,
            joined([it.encoded for it in batch if it.encoded]),
            leg,
            generators=batch.generators,
            after_step=lambda step: batch.enter("denoise", step),
            guided=leg.guided(batch.speed_tier),
            **task,
        )

    def _refine(self, batch: Batch, leg: Leg, latents: Any, done: int) -> torch.Tensor:
        """`done`: evaluations of the base's leg."""
        self._previewer.watch(leg.scheduler, lambda: batch.first_rows)
        return stages.denoise(
            self._pipelines.refiner,
            joined([it.for_refiner for it in batch if it.for_refiner]),
            leg,
            generators=batch.generators,
            after_step=lambda step: batch.enter("refine", done + step),
            guided=leg.guided(batch.speed_tier),
            image=latents,
        )

    def _decode(self, batch: Batch, sketch: Sketch, latents: Any, *, refined: bool) -> None:
        pictures = []
        for index, latent in enumerate(latents):
            batch.ask_all()
            if sketch not in batch.present:
                return
            with sketch.timer.stage("decode"):
                pixels = stages.decode(self._pipelines.text2img, latent)
                pixels = resized(pixels, sketch.sizes.asked)
                if sketch.frame is not None:
                    pixels = sketch.frame.keep_unmasked(pixels)
            pictures.append(Picture(pixels=pixels, seed=sketch.seat.job.seed + index))
        batch.finish(
            sketch,
            EngineResult(
                pictures=tuple(pictures),
                model=self._spec.name,
                native_size=sketch.sizes.drawn,
                refiner=refined,
                few_steps=sketch.few_steps,
                prompt_truncated=sketch.encoded is not None and sketch.encoded.truncated,
                timings=sketch.timer.seconds,
            ),
        )

    def _read(
        self, loras: Sequence[LoraFile], request: ImageRequest, *, refines: bool, texts: Texts
    ) -> tuple[stages.Encoded, stages.Encoded | None]:
        """The request's texts, for the base and for a refiner that takes part."""
        base, refiner = self._pipelines.text2img, self._pipelines.refiner
        model = (self._spec.name, self._device.precision)
        remember = texts.under(*model, "base", *loras_on(loras))
        encoded = stages.encode(base, request, remember)
        if not refines or refiner is None:
            return encoded, None
        # It shares the base's second text encoder, and takes no LoRA.
        remember = texts.under(*model, "refiner")
        with self._loras.suspended():
            return encoded, stages.encode(refiner, request, remember)

    def _plan(self, request: ImageRequest, few_steps: FewSteps | None = None) -> Legs:
        return plan_legs(request, self._base_schedule, self._refiner_schedule, few_steps)

    def _task(self, sketches: Sequence[Sketch]) -> tuple[Any, dict[str, Any]]:
        """The task's pipeline, and what it wants besides prompts and steps."""
        first = sketches[0]
        width, height = first.sizes.drawn
        if first.frame is None:
            return self._pipelines.text2img, {"width": width, "height": height}
        latents = torch.cat([it.latents for it in sketches])
        if first.frame.mask is None:
            return self._pipelines.img2img, {"image": latents}
        # Never with others: see `company.TASKS_TOGETHER`.
        return self._pipelines.inpaint, {
            "image": latents,
            "mask_image": first.frame.drawn_mask(first.sizes.drawn),
            "width": width,
            "height": height,
        }
