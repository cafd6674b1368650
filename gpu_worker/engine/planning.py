"""What a picture's request comes to: which leg the base runs, which the refiner, if any."""

from dataclasses import dataclass
from typing import Any

from gpu_worker.engine.legs import Leg, plan_base, plan_finishing, plan_taking_over
from gpu_worker.ports import FewSteps
from shared.request import ImageRequest, Text2ImgRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Legs:
    """Either may be missing: no strength, no refiner."""

    base: Leg | None
    refiner: Leg | None

    @property
    def evaluations(self) -> int:
        return sum(leg.evaluations for leg in (self.base, self.refiner) if leg)


def plan_legs(
    request: ImageRequest,
    base_schedule: Any,
    refiner_schedule: Any | None,
    few_steps: FewSteps | None = None,
) -> Legs:
    """The schedules are the checkpoints' configurations, None where there is no refiner.

    An image is refined only by way of a hand-over: `strength` is the base's there.
    """
    from_image = not isinstance(request, Text2ImgRequest)
    steps = request.refiner_inference_steps
    has_refiner = refiner_schedule is not None and steps > 0
    share = request.high_noise_frac if has_refiner else None

    def base(base_share: float | None) -> Leg | None:
        return plan_base(
            request.scheduler if few_steps is None else few_steps.sampler,
            base_schedule,
            steps=request.num_inference_steps,
            strength=request.strength if from_image else None,
            base_share=base_share,
        )

    leg = base(share)
    if not has_refiner or leg is None:
        return Legs(base=leg, refiner=None)
    if leg.handover is not None:
        taking_over = plan_taking_over(
            request.scheduler, refiner_schedule, steps=steps, handover=leg.handover
        )
        return Legs(base=leg if taking_over else base(None), refiner=taking_over)
    if share is not None or from_image:
        return Legs(base=leg, refiner=None)
    finishing = plan_finishing(
        request.scheduler, refiner_schedule, steps=steps, strength=request.strength
    )
    return Legs(base=leg, refiner=finishing)
