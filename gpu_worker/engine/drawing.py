"""One picture job from request to pixels: sizes, legs, the stages in order, their seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gpu_worker.engine import stages
from gpu_worker.engine.device import Device
from gpu_worker.engine.framing import Frame, resized
from gpu_worker.engine.kernels import tune
from gpu_worker.engine.legs import Leg, plan_base, plan_finishing, plan_taking_over
from gpu_worker.engine.loras import LoraShelf, loras_on
from gpu_worker.engine.pipelines import Pipelines
from gpu_worker.engine.preview import Previewer
from gpu_worker.engine.sizes import Sizes, decide_sizes
from gpu_worker.engine.specs import PictureSpec
from gpu_worker.engine.text_cache import TextCache
from gpu_worker.engine.timing import StageTimer
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Picture
from shared.request import ImageRequest, Text2ImgRequest

Report = Callable[[EngineProgress], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Legs:
    """Either may be missing: no strength, no refiner."""

    base: Leg | None
    refiner: Leg | None

    @property
    def evaluations(self) -> int:
        return sum(leg.evaluations for leg in (self.base, self.refiner) if leg)


class Drawing:
    """The picture tasks on one loaded model. One job at a time."""

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

    @torch.no_grad()
    def __call__(
        self, job: EngineJob, report: Report, stop_if_asked: Callable[[], None]
    ) -> EngineResult:
        """`stop_if_asked` may raise; it is called between stages, steps and pictures."""
        with self._loras.applied(job.loras):
            return self._draw(job, report, stop_if_asked)

    def _draw(
        self, job: EngineJob, report: Report, stop_if_asked: Callable[[], None]
    ) -> EngineResult:
        request = job.request
        if not isinstance(request, ImageRequest):
            raise TypeError(f"{type(request).__name__} asks for no picture")
        sizes = decide_sizes(self._spec, request.width, request.height, job.image)
        frame = None if job.image is None else Frame.of(job.image, job.mask, sizes.asked)
        legs = self._plan(request)
        generators = stages.make_generators(job.seed, request.num_images)
        timer = StageTimer(self._device)
        done = 0

        def enter(stage: str, step: int) -> None:
            preview = self._previewer.take() if step else None
            report(
                EngineProgress(
                    stage=stage,
                    step=step,
                    total_steps=legs.evaluations,
                    # Beside the steps the other stages of a picture take next to nothing.
                    fraction=step / legs.evaluations if legs.evaluations else 0.0,
                    preview=preview,
                )
            )
            stop_if_asked()

        enter("encode", 0)
        with timer.stage("encode"):
            encoded, for_refiner = self._read(job, request, refines=legs.refiner is not None)
            latents: Any = None
            if frame is not None:
                latents = stages.encode_image(
                    self._pipelines.text2img, frame.drawn_image(sizes.drawn), generators
                )
        if legs.base is not None:
            enter("denoise", 0)
            with timer.stage("denoise"):
                pipeline, task = self._task(frame, sizes, latents)
                self._previewer.watch(legs.base.scheduler)
                latents = stages.denoise(
                    pipeline,
                    encoded,
                    legs.base,
                    generators=generators,
                    after_step=lambda step: enter("denoise", step),
                    guided=legs.base.guided(request.speed_tier),
                    **task,
                )
            done = legs.base.evaluations
        if legs.refiner is not None and for_refiner is not None:
            enter("refine", done)
            with timer.stage("refine"):
                self._previewer.watch(legs.refiner.scheduler)
                latents = stages.denoise(
                    self._pipelines.refiner,
                    for_refiner,
                    legs.refiner,
                    generators=generators,
                    after_step=lambda step: enter("refine", done + step),
                    guided=legs.refiner.guided(request.speed_tier),
                    image=latents,
                )
        enter("decode", legs.evaluations)
        pictures = []
        with timer.stage("decode"):
            for index, latent in enumerate(latents):
                stop_if_asked()
                pixels = resized(stages.decode(self._pipelines.text2img, latent), sizes.asked)
                if frame is not None:
                    pixels = frame.keep_unmasked(pixels)
                pictures.append(Picture(pixels=pixels, seed=job.seed + index))
        return EngineResult(
            pictures=tuple(pictures),
            model=self._spec.name,
            native_size=sizes.drawn,
            refiner=legs.refiner is not None,
            prompt_truncated=encoded.truncated,
            timings=timer.seconds,
        )

    def _read(
        self, job: EngineJob, request: ImageRequest, *, refines: bool
    ) -> tuple[stages.Encoded, stages.Encoded | None]:
        """The request's texts, for the base and for a refiner that takes part."""
        base, refiner = self._pipelines.text2img, self._pipelines.refiner
        model = (self._spec.name, self._device.precision)
        remember = self._texts.under(*model, "base", *loras_on(job))
        encoded = stages.encode(base, request, remember)
        if not refines or refiner is None:
            return encoded, None
        # It shares the base's second text encoder, and takes no LoRA.
        remember = self._texts.under(*model, "refiner")
        with self._loras.suspended():
            return encoded, stages.encode(refiner, request, remember)

    def _plan(self, request: ImageRequest) -> Legs:
        """An image is refined only by way of a hand-over: `strength` is the base's there."""
        from_image = not isinstance(request, Text2ImgRequest)
        steps = request.refiner_inference_steps
        has_refiner = self._pipelines.refiner is not None and steps > 0
        share = request.high_noise_frac if has_refiner else None

        def base(base_share: float | None) -> Leg | None:
            return plan_base(
                request.scheduler,
                self._base_schedule,
                steps=request.num_inference_steps,
                strength=request.strength if from_image else None,
                base_share=base_share,
            )

        leg = base(share)
        if not has_refiner or leg is None:
            return Legs(base=leg, refiner=None)
        if leg.handover is not None:
            taking_over = plan_taking_over(
                request.scheduler, self._refiner_schedule, steps=steps, handover=leg.handover
            )
            return Legs(base=leg if taking_over else base(None), refiner=taking_over)
        if share is not None or from_image:
            return Legs(base=leg, refiner=None)
        finishing = plan_finishing(
            request.scheduler, self._refiner_schedule, steps=steps, strength=request.strength
        )
        return Legs(base=leg, refiner=finishing)

    def _task(self, frame: Frame | None, sizes: Sizes, latents: Any) -> tuple[Any, dict[str, Any]]:
        """The task's pipeline, and what it wants besides prompts and steps."""
        width, height = sizes.drawn
        if frame is None:
            return self._pipelines.text2img, {"width": width, "height": height}
        if frame.mask is None:
            return self._pipelines.img2img, {"image": latents}
        return self._pipelines.inpaint, {
            "image": latents,
            "mask_image": frame.drawn_mask(sizes.drawn),
            "width": width,
            "height": height,
        }
