"""The pipelines of one model: one for each task over the same modules, and the refiner's.

The modules are loaded once and shared; a pipeline is a few references. (`from_pipe` without a dtype
would cast the shared modules to fp32.)
"""

from dataclasses import dataclass
from typing import Any

from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint import (
    StableDiffusionXLInpaintPipeline,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipelines:
    """All of them diffusers' own; none has a safety checker or a watermark."""

    text2img: Any
    img2img: Any
    inpaint: Any
    #: An img2img pipeline; None for a model without a refiner.
    refiner: Any | None

    @classmethod
    def around(cls, base: Any, refiner: Any | None) -> "Pipelines":
        """`base` is a StableDiffusionXLPipeline, `refiner` a StableDiffusionXLImg2ImgPipeline."""
        shared: dict[str, Any] = {
            **base.components,
            "force_zeros_for_empty_prompt": base.config.force_zeros_for_empty_prompt,
            "add_watermarker": False,
        }
        pipelines = cls(
            text2img=base,
            img2img=StableDiffusionXLImg2ImgPipeline(**shared),
            inpaint=StableDiffusionXLInpaintPipeline(**shared),
            refiner=refiner,
        )
        for pipeline in (pipelines.img2img, pipelines.inpaint):
            pipeline.set_progress_bar_config(disable=True)
        return pipelines
