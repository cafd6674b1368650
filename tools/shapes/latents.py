"""Scenes by their seed, and what the autoencoder makes of their pictures."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from tools.shapes.latent_bank import LatentBank, fill_bank
from tools.shapes.painting import paint
from tools.shapes.sampling import draw_scene
from tools.shapes.scene import Scene, Size

#: Pictures encoded at once.
BATCH = 32


def encode_scenes(
    vae: Any,
    *,
    size: Size,
    count: int,
    seed: int,
    device: torch.device,
    file: Path,
    report: Callable[[str], None] = print,
) -> LatentBank[Scene]:
    """`count` scenes of `size`, latents (n, 4, height/8, width/8), scaled to a deviation of 1."""
    generator = torch.Generator().manual_seed(seed)
    return fill_bank(
        vae,
        draw_scenes(size, count, seed),
        lambda scenes: encode(vae, paint(scenes, generator), device),
        size=size,
        batch=BATCH,
        file=file,
        report=report,
    )


def draw_scenes(size: Size, count: int, seed: int) -> list[Scene]:
    """The same scenes for the same seed; none with a held-out combination."""
    chance = Random(f"scenes {size} {seed}")  # noqa: S311 - wants to be repeatable
    return [draw_scene(chance, size) for _ in range(count)]


@torch.no_grad()
def encode(vae: Any, pictures: Tensor, device: torch.device) -> Tensor:
    """Latents of `pictures` in −1…1, scaled as the pipelines scale them; on the CPU."""
    with torch.autocast(device.type, dtype=torch.bfloat16):
        mean = vae.encode(pictures.to(device)).latent_dist.mean
    latents: Tensor = (mean.float() * vae.config.scaling_factor).cpu()
    return latents
