"""Clips by their seed, what the autoencoder makes of them, and how pipelines scale that."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from tools.shapes.latent_bank import LatentBank, fill_bank
from tools.shapes.scene import Size
from tools.shapes_video.clip import Clip
from tools.shapes_video.painting import paint_clips
from tools.shapes_video.sampling import draw_clip

#: Clips encoded at once.
BATCH = 4


def encode_clips(
    vae: Any,
    *,
    size: Size,
    count: int,
    seed: int,
    device: torch.device,
    file: Path,
    report: Callable[[str], None] = print,
) -> LatentBank[Clip]:
    """`count` clips of `size`, latents (n, 16, 5, height/8, width/8), as the encoder gives them."""
    return fill_bank(
        vae,
        draw_clips(size, count, seed),
        lambda clips: encode(vae, clips, device),
        size=size,
        batch=BATCH,
        file=file,
        report=report,
    )


def draw_clips(size: Size, count: int, seed: int) -> list[Clip]:
    """The same clips for the same seed; none with a held-out combination."""
    chance = Random(f"clips {size} {seed}")  # noqa: S311 - wants to be repeatable
    return [draw_clip(chance, size) for _ in range(count)]


@torch.no_grad()
def encode(vae: Any, clips: Sequence[Clip], device: torch.device) -> Tensor:
    """(n, 16, 5, height/8, width/8) on the CPU, not yet brought to mean 0 and deviation 1."""
    with torch.autocast(device.type, dtype=torch.bfloat16):
        mean = vae.encode(paint_clips(clips).to(device)).latent_dist.mean
    latents: Tensor = mean.float().cpu()
    return latents


def measure(banks: Sequence[LatentBank[Clip]], vae: Any) -> None:
    """Let the autoencoder's config say how each channel comes to mean 0 and deviation 1."""
    channels = [bank.latents.float().transpose(0, 1).flatten(1) for bank in banks]
    values = torch.cat(channels, 1)
    vae.register_to_config(
        latents_mean=[round(it, 4) for it in values.mean(1).tolist()],
        latents_std=[round(it, 4) for it in values.std(1).tolist()],
    )


def scaled(latents: Tensor, vae: Any) -> Tensor:
    """As the pipelines scale them: each channel of mean 0 and deviation 1."""
    mean, deviation = (
        torch.tensor(values).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return (latents - mean) / deviation
