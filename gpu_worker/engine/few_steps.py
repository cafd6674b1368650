"""The speed tier `fast` where the operator has a LoRA for it: the steps, the guidance and the
sampler that it was trained for take the place of the request's. Without a refiner, which has no
such LoRA, and would take more steps than all of these.
"""

from gpu_worker.ports import FewSteps
from shared.request import ImageRequest, SpeedTier


def as_drawn(request: ImageRequest, few_steps: FewSteps | None) -> ImageRequest:
    """`request`, if need be with few steps. Their sampler is none that a request has a name for.

    Guidance, where they want some, stays on to the end: half of four steps is no second half.
    """
    if few_steps is None:
        return request
    return request.model_copy(
        update={
            "num_inference_steps": few_steps.steps,
            "guidance_scale": few_steps.guidance_scale,
            "refiner_inference_steps": 0,
            "speed_tier": SpeedTier.QUALITY,
        }
    )
