"""Clips and what the autoencoder makes of them, kept so that no clip is encoded twice.

Only latents lie on disk: the clips are drawn again from their seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from tools.shapes.latents import fingerprint
from tools.shapes.scene import Size
from tools.shapes_video.clip import Clip
from tools.shapes_video.painting import paint_clips
from tools.shapes_video.sampling import draw_clip

#: Clips encoded at once.
BATCH = 4
REPORT_EVERY = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoBank:
    """Clips of one size. `latents` is (n, 16, 5, height/8, width/8), as the encoder gives them."""

    size: Size
    clips: list[Clip]
    latents: Tensor

    def batch(self, count: int, chance: Random) -> tuple[list[Clip], Tensor]:
        """`count` of them, by chance, latents as 32-bit floats."""
        rows = [chance.randrange(len(self.clips)) for _ in range(count)]
        return [self.clips[row] for row in rows], self.latents[rows].float()


def fill_bank(
    vae: Any,
    *,
    size: Size,
    count: int,
    seed: int,
    device: torch.device,
    file: Path,
    report: Callable[[str], None] = print,
) -> VideoBank:
    """Encode `count` clips, or read `file` where an earlier run left them."""
    clips = draw_clips(size, count, seed)
    mark = fingerprint(vae)
    if file.is_file():
        kept = torch.load(file, map_location="cpu", weights_only=True)
        if kept["encoder"] == mark and len(kept["latents"]) == count:
            return VideoBank(size=size, clips=clips, latents=kept["latents"])
        report(f"{file.name} is of another encoder or number of clips: made anew")
    parts = []
    for first in range(0, count, BATCH):
        parts.append(encode(vae, clips[first : first + BATCH], device).half())
        if first % REPORT_EVERY == 0:
            report(f"latents {size[0]}x{size[1]}: {first} of {count}")
    latents = torch.cat(parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    torch.save({"latents": latents, "encoder": mark}, partial)
    partial.replace(file)
    return VideoBank(size=size, clips=clips, latents=latents)


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


def measure(banks: Sequence[VideoBank], vae: Any) -> None:
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
