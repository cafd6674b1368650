"""Checkpoints without a refiner, or with another than the embedded model's, made by code.

Of the real classes and in the real layout: a `refiner` folder beside the model's parts, which holds
only what it does not share (the second text encoder, its tokenizer and the VAE are the model's).
"""

import shutil
from pathlib import Path

from gpu_worker.engine.specs import REFINER_FOLDER, SHAPES, FolderSource
from tests.unit.engine.published import PublishedLibraries

RANDOM_REFINER = """
import sys, torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
from diffusers import StableDiffusionXLImg2ImgPipeline, UNet2DConditionModel
base = StableDiffusionXLPipeline.from_pretrained(
    sys.argv[1], variant="fp16", dtype=torch.float32, add_watermarker=False)
torch.manual_seed(0)
second = base.text_encoder_2.config
steps = base.unet.config.addition_time_embed_dim
config = {
    **base.unet.config,
    "cross_attention_dim": second.hidden_size,
    # Of the size, of the crop, and one of the aesthetic score.
    "projection_class_embeddings_input_dim": second.projection_dim + 5 * steps,
}
unet = UNet2DConditionModel.from_config(config)
StableDiffusionXLImg2ImgPipeline(
    unet=unet, scheduler=base.scheduler, vae=base.vae, text_encoder=None, tokenizer=None,
    text_encoder_2=base.text_encoder_2, tokenizer_2=base.tokenizer_2,
    requires_aesthetics_score=True, force_zeros_for_empty_prompt=False, add_watermarker=False,
).save_pretrained(sys.argv[2])
"""


def copy_base(folder: Path) -> Path:
    """The embedded model without its refiner."""
    assert isinstance(SHAPES.source, FolderSource)
    shutil.copytree(SHAPES.source.folder, folder, ignore=shutil.ignore_patterns(REFINER_FOLDER))
    return folder


def add_twin(folder: Path) -> Path:
    """The embedded model whose refiner is the same model again: it should go on as if alone."""
    copy_base(folder)
    shutil.copytree(folder, folder / REFINER_FOLDER)
    return folder


def add_random_refiner(folder: Path, published: PublishedLibraries) -> Path:
    """The embedded model with a refiner of SDXL's kind: one text encoder, an aesthetic score."""
    copy_base(folder)
    refiner = folder / REFINER_FOLDER
    published.run(RANDOM_REFINER, folder, refiner)
    for shared in ("text_encoder_2", "tokenizer_2", "vae"):
        shutil.rmtree(refiner / shared)
    return folder
