"""The speed tier `fast`: guidance for the first steps only, where it decides what is seen.

Classifier-free guidance asks the model twice a step, with the prompt and without. What a picture
shows is settled while there is much noise; the steps after that fill in, and here do so with the
prompt alone (Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and
Distribution Quality in Diffusion Models", 2024, found guidance of no use at low noise). The tier
`quality` is not touched.
"""

import math
from collections.abc import Mapping
from typing import Any

from shared.request import SpeedTier

#: Of a run's steps, the first of which are guided.
GUIDED_SHARE = 0.5
#: Classifier-free guidance does nothing at 1 (Ho & Salimans, "Classifier-Free Diffusion Guidance").
NO_GUIDANCE = 1.0
#: What SDXL's pipelines hold twice while they guide, the half with the prompt last; the latter two
#: are inpainting's.
DOUBLED = ("prompt_embeds", "add_text_embeds", "add_time_ids", "mask", "masked_image_latents")


def guided_evaluations(tier: SpeedTier, evaluations: int, order: int = 1) -> int:
    """How many of a run's `evaluations` are guided, if it is guided at all: whole steps of a solver
    that evaluates `order` times a step."""
    if tier is SpeedTier.QUALITY:
        return evaluations
    return min(evaluations, order * math.ceil(GUIDED_SHARE * evaluations / order))


def doubled_in(pipeline: Any) -> list[str]:
    """What SDXL's `pipeline` has to hand to its callback, for `end_guidance`."""
    return [name for name in DOUBLED if name in pipeline._callback_tensor_inputs]  # noqa: SLF001


def end_guidance(pipeline: Any, doubled: Mapping[str, Any]) -> dict[str, Any]:
    """From the next step of the call under way on; what its callback has to return.

    `doubled` is what `doubled_in` named; empty of Wan's pipeline, which asks twice one by one.
    """
    # So do the callbacks that come with diffusers; there is no public way.
    pipeline._guidance_scale = NO_GUIDANCE  # noqa: SLF001
    return {name: it.chunk(2)[1] for name, it in doubled.items() if it is not None}
