"""Pipelines built from configurations, with random weights: speed does not depend on the values.

The classes are diffusers' and transformers' own, and what holds them is the engine's; nothing is
downloaded. Prompts are read by the embedded models' tokenizers, made to pad to the real length.
"""

from collections.abc import Callable
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.pipelines.wan.pipeline_wan import WanPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Tokenizer,
    UMT5Config,
    UMT5EncoderModel,
)

from bench.gpu_models import SDXL_SCHEDULER, WAN_SCHEDULER, Size
from gpu_worker.engine.film_loading import FilmPipelines
from gpu_worker.engine.pipelines import Pipelines
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM, FolderSource, Source

#: Tokens that CLIP reads.
PICTURE_TOKENS = 77


class Parts:
    """The modules of one size, made on `device` in `dtype` when they are first asked for.

    `torch.device("meta")` makes them without memory: to count.
    """

    def __init__(self, size: Size, device: torch.device, dtype: torch.dtype) -> None:
        self.size = size
        self._device = device
        self._dtype = dtype
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            before = torch.get_default_dtype()
            torch.set_default_dtype(self._dtype)
            try:
                with self._device:
                    module: Any = self._make(name)
            finally:
                torch.set_default_dtype(before)
            self._made[name] = module.eval().requires_grad_(False)
        return self._made[name]

    def _make(self, name: str) -> Any:
        size = self.size
        makers: dict[str, Callable[[], Any]] = {
            "unet": lambda: UNet2DConditionModel(**size.unet),
            "refiner": lambda: UNet2DConditionModel(**size.refiner),
            "vae": lambda: AutoencoderKL(**size.vae),
            "text": lambda: CLIPTextModel(CLIPTextConfig(**size.text)),
            "text_2": lambda: CLIPTextModelWithProjection(CLIPTextConfig(**size.text_2)),
            "transformer": lambda: WanTransformer3DModel(**size.transformer),
            "film_vae": lambda: AutoencoderKLWan(**size.film_vae),
            "film_text": lambda: UMT5EncoderModel(UMT5Config(**size.film_text)),
        }
        return makers[name]()


PARTS = ("unet", "refiner", "vae", "text", "text_2", "transformer", "film_vae", "film_text")


def picture_pipelines(parts: Parts) -> Pipelines:
    """Base and refiner, which share what the published ones share."""
    folder = _folder(SHAPES.source)
    tokenizer, tokenizer_2 = (
        CLIPTokenizer.from_pretrained(folder, subfolder=name, model_max_length=PICTURE_TOKENS)
        for name in ("tokenizer", "tokenizer_2")
    )
    shared: dict[str, Any] = {
        "vae": parts["vae"],
        "text_encoder_2": parts["text_2"],
        "tokenizer_2": tokenizer_2,
        "add_watermarker": False,
    }
    base: Any = StableDiffusionXLPipeline(
        **shared,
        text_encoder=parts["text"],
        tokenizer=tokenizer,
        unet=parts["unet"],
        scheduler=DDIMScheduler(**SDXL_SCHEDULER),
    )
    has_not: dict[str, Any] = {"text_encoder": None, "tokenizer": None}
    refiner: Any = StableDiffusionXLImg2ImgPipeline(
        **shared,
        **has_not,
        unet=parts["refiner"],
        scheduler=DDIMScheduler(**SDXL_SCHEDULER),
        requires_aesthetics_score=True,
        force_zeros_for_empty_prompt=False,
    )
    for pipeline in (base, refiner):
        pipeline.set_progress_bar_config(disable=True)
    return Pipelines.around(base, refiner)


def film_pipelines(parts: Parts) -> FilmPipelines:
    tokenizer = T5Tokenizer.from_pretrained(
        _folder(SHAPES_FILM.source), subfolder="tokenizer", model_max_length=parts.size.film_tokens
    )
    pipeline: Any = WanPipeline(
        tokenizer=tokenizer,
        text_encoder=parts["film_text"],
        vae=parts["film_vae"],
        transformer=parts["transformer"],
        scheduler=UniPCMultistepScheduler(**WAN_SCHEDULER),
    )
    pipeline.set_progress_bar_config(disable=True)
    return FilmPipelines(reading=pipeline, filming=pipeline)


def _folder(source: Source) -> str:
    if not isinstance(source, FolderSource):
        raise TypeError(f"{source} is no folder")
    return str(source.folder)
