"""Writes trained parts as the folders that the engine loads: 16-bit safetensors, as SDXL's own.

`shapes` is a whole checkpoint. `shapes/refiner` holds the refiner's own UNet and scheduler; the
parts that it shares with the base are handed to `from_pretrained`, not stored twice.
"""

import copy
import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)

from tools.shapes.parts import build_scheduler

BASE_FOLDER = "shapes"
REFINER_FOLDER = f"{BASE_FOLDER}/refiner"
LORA_FOLDER = "shapes-lora"
#: Of everything that is exported, on disk.
MOST_BYTES = 12_000_000
VARIANT = "fp16"

REFINER_INDEX = {
    "_class_name": "StableDiffusionXLImg2ImgPipeline",
    "force_zeros_for_empty_prompt": True,
    "requires_aesthetics_score": True,
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "text_encoder": [None, None],
    "tokenizer": [None, None],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def assemble(
    *,
    vae: Any,
    text_encoder: Any,
    text_encoder_2: Any,
    tokenizer: Any,
    unet: Any,
    scheduler: Any = None,
) -> Any:
    """The base's parts as a StableDiffusionXLPipeline that draws."""
    return StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=text_encoder,
        text_encoder_2=text_encoder_2,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=unet,
        scheduler=scheduler or build_scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def export_base(pipeline: Any, folder: Path) -> Path:
    """Write `folder`/shapes; the pipeline itself keeps its precision."""
    target = folder / BASE_FOLDER
    for tokenizer in (pipeline.tokenizer, pipeline.tokenizer_2):
        # Training left its own there, and a file that changes with it.
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    copied = StableDiffusionXLPipeline(
        **{
            name: halved(part) if isinstance(part, torch.nn.Module) else part
            for name, part in pipeline.components.items()
        },
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    copied.save_pretrained(target, variant=VARIANT, safe_serialization=True)
    forget_paths(target)
    return target


def export_refiner(unet: Any, folder: Path, scheduler: Any = None) -> Path:
    """Write `folder`/shapes/refiner, where the engine looks for it."""
    target = folder / REFINER_FOLDER
    halved(unet).save_pretrained(target / "unet", variant=VARIANT, safe_serialization=True)
    (scheduler or build_scheduler()).save_pretrained(target / "scheduler")
    index = REFINER_INDEX | {"_diffusers_version": diffusers.__version__}
    (target / "model_index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    forget_paths(target)
    return target


def bytes_of(folder: Path) -> int:
    """Of all files under `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def halved(module: torch.nn.Module) -> Any:
    """A copy in 16-bit floats."""
    return copy.deepcopy(module).cpu().to(torch.float16)


def forget_paths(folder: Path) -> None:
    """Drop where a part was loaded from: it names the machine, and changes from run to run."""
    for file in folder.rglob("*.json"):
        if file.name == "tokenizer.json":
            continue
        values = json.loads(file.read_text())
        if values.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
