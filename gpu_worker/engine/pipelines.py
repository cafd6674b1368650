"""The pipelines of one model: one for each task over the same modules, and the refiner's.

The modules are loaded once and shared; a pipeline is a few references. (`from_pipe` without a dtype
would cast the shared modules to fp32.)
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint import (
    StableDiffusionXLInpaintPipeline,
)


class OnOneDevice:
    """For pipelines of which nothing is ever offloaded: all of their modules are where the UNet is.

    diffusers looks for hooks in each of some thousand layers, in every call, to find that out.
    """

    unet: torch.nn.Module

    @property
    def _execution_device(self) -> torch.device:
        return next(iter(self.unet.parameters())).device


class Text2ImgPipeline(OnOneDevice, StableDiffusionXLPipeline):
    pass


class Img2ImgPipeline(OnOneDevice, StableDiffusionXLImg2ImgPipeline):
    pass


class InpaintPipeline(OnOneDevice, StableDiffusionXLInpaintPipeline):
    pass


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
        """`base` is a StableDiffusionXLPipeline, `refiner` a StableDiffusionXLImg2ImgPipeline; what
        they are made of is all that is taken of them."""
        shared: dict[str, Any] = {
            **base.components,
            "force_zeros_for_empty_prompt": base.config.force_zeros_for_empty_prompt,
            "add_watermarker": False,
        }
        pipelines = cls(
            text2img=Text2ImgPipeline(**shared),
            img2img=Img2ImgPipeline(**shared),
            inpaint=InpaintPipeline(**shared),
            refiner=None if refiner is None else _refiner(refiner),
        )
        for pipeline in (pipelines.text2img, pipelines.img2img, pipelines.inpaint):
            pipeline.set_progress_bar_config(disable=True)
        return pipelines


def _refiner(pipeline: Any) -> Any:
    refiner: Any = Img2ImgPipeline(
        **pipeline.components,
        requires_aesthetics_score=pipeline.config.requires_aesthetics_score,
        force_zeros_for_empty_prompt=pipeline.config.force_zeros_for_empty_prompt,
        add_watermarker=False,
    )
    refiner.set_progress_bar_config(disable=True)
    return refiner
