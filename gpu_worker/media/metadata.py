"""What a picture's file says of how it was made, where the users of image tools look for it.

The first text is the one that AUTOMATIC1111's web UI began and most tools read; the second is JSON,
for programs. Neither holds an address: those carry tokens, or whole pictures.
"""

import json
from dataclasses import dataclass
from typing import Any

from gpu_worker.loras import describe_few_steps
from gpu_worker.ports import FewSteps
from shared.request import ImageRequest, SpeedTier, Text2ImgRequest, Text2VideoRequest

#: Names of the two texts in a PNG.
PARAMETERS_KEY = "parameters"
JSON_KEY = "emberframe"
PRIVATE = {"image_url", "mask_url", "user_id", "file_uid", "use_cloud_storage"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    parameters: str
    json: str


def describe_making(
    request: ImageRequest,
    *,
    seed: int,
    model: str,
    refiner: bool,
    few_steps: FewSteps | None = None,
    width: int,
    height: int,
) -> Metadata:
    """Of one picture: `seed` is its own, `width` and `height` are the file's."""
    prompt = getattr(request, "prompt", None) or ""
    loras = [(lora.name, lora.weight) for lora in request.loras]
    if few_steps is not None:
        loras.append((few_steps.lora.name, few_steps.lora.weight))
    tags = [f"<lora:{name}:{weight:g}>" for name, weight in loras]
    lines = [" ".join(filter(None, [prompt, *tags]))]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    facts: dict[str, Any] = {
        "Steps": request.num_inference_steps,
        "Sampler": request.scheduler.value,
        "CFG scale": request.guidance_scale,
        "Seed": seed,
        "Size": f"{width}x{height}",
        "Model": model,
    }
    if few_steps is not None:
        facts |= {
            "Steps": few_steps.steps,
            "Sampler": few_steps.sampler.value,
            "CFG scale": few_steps.guidance_scale,
        }
    if not isinstance(request, Text2ImgRequest):
        facts["Denoising strength"] = request.strength
    if refiner:
        facts["Refiner steps"] = request.refiner_inference_steps
        if request.high_noise_frac is not None:
            facts["Refiner switch at"] = request.high_noise_frac
    if request.prompt_weighting:
        facts["Prompt weighting"] = "compel"
    if request.speed_tier is not SpeedTier.QUALITY:
        facts["Speed tier"] = request.speed_tier.value
    facts["Version"] = "emberframe"
    lines.append(", ".join(f"{name}: {value}" for name, value in facts.items()))
    made = {
        **request.model_dump(mode="json", exclude=PRIVATE, exclude_none=True),
        "seed": seed,
        "num_images": 1,
        "width": width,
        "height": height,
        "model": model,
        "refiner": refiner,
        **describe_few_steps(few_steps),
    }
    return Metadata(parameters="\n".join(lines), json=json.dumps(made, sort_keys=True))


def describe_filming(request: Text2VideoRequest, *, seed: int, model: str) -> Metadata:
    """Of a film: its title is the prompt; the JSON a request that makes it again, and `model`."""
    made = {
        **request.model_dump(mode="json", exclude=PRIVATE, exclude_none=True),
        "seed": seed,
        "model": model,
    }
    return Metadata(
        parameters=request.prompt, json=json.dumps(made, sort_keys=True, ensure_ascii=False)
    )
