"""Writes the trained parts as the folder that the engine loads: a WanPipeline in 16-bit floats."""

from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.wan.pipeline_wan import WanPipeline

from tools.shapes.export import VARIANT, forget_paths, halved
from tools.shapes_video.parts import build_scheduler

FOLDER = "shapes-film"
#: Of everything that is exported, on disk.
MOST_BYTES = 8_000_000


def assemble(*, tokenizer: Any, text_encoder: Any, vae: Any, transformer: Any) -> Any:
    """The parts as a WanPipeline that draws films."""
    return WanPipeline(
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        vae=vae,
        transformer=transformer,
        scheduler=build_scheduler(),
    )


def export_film_model(pipeline: Any, folder: Path) -> Path:
    """Write `folder`/shapes-film; the pipeline itself keeps its precision."""
    target = folder / FOLDER
    # Training left its own there, and a file that changes with it.
    pipeline.tokenizer.backend_tokenizer.no_truncation()
    pipeline.tokenizer.backend_tokenizer.no_padding()
    copied = {
        name: halved(part) if isinstance(part, torch.nn.Module) else part
        for name, part in pipeline.components.items()
        if part is not None
    }
    assemble(
        tokenizer=copied["tokenizer"],
        text_encoder=copied["text_encoder"],
        vae=copied["vae"],
        transformer=copied["transformer"],
    ).save_pretrained(target, variant=VARIANT, safe_serialization=True)
    forget_paths(target)
    return target
