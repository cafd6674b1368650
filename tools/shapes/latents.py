"""Scenes and what the autoencoder makes of them, kept so that no picture is encoded twice.

Only latents lie on disk: the scenes are drawn again from their seed, which takes a second.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from tools.shapes.painting import paint
from tools.shapes.sampling import draw_scene
from tools.shapes.scene import Scene, Size

#: Pictures encoded at once.
BATCH = 32
REPORT_EVERY = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentBank:
    """Scenes of one size. `latents` is (n, 4, height/8, width/8), scaled to a deviation of 1."""

    size: Size
    scenes: list[Scene]
    latents: Tensor

    def batch(self, count: int, chance: Random) -> tuple[list[Scene], Tensor]:
        """`count` of them, by chance, latents as 32-bit floats."""
        rows = [chance.randrange(len(self.scenes)) for _ in range(count)]
        return [self.scenes[row] for row in rows], self.latents[rows].float()


def fill_bank(
    vae: Any,
    *,
    size: Size,
    count: int,
    seed: int,
    device: torch.device,
    file: Path,
    report: Callable[[str], None] = print,
) -> LatentBank:
    """Encode `count` scenes, or read `file` where an earlier run left them."""
    scenes = draw_scenes(size, count, seed)
    mark = fingerprint(vae)
    if file.is_file():
        kept = torch.load(file, map_location="cpu", weights_only=True)
        if kept["encoder"] == mark and len(kept["latents"]) == count:
            return LatentBank(size=size, scenes=scenes, latents=kept["latents"])
        report(f"{file.name} is of another encoder or number of pictures: made anew")
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for first in range(0, count, BATCH):
        pictures = paint(scenes[first : first + BATCH], generator)
        parts.append(encode(vae, pictures, device).half())
        if first % REPORT_EVERY == 0:
            report(f"latents {size[0]}x{size[1]}: {first} of {count}")
    latents = torch.cat(parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    torch.save({"latents": latents, "encoder": mark}, partial)
    partial.replace(file)
    return LatentBank(size=size, scenes=scenes, latents=latents)


def draw_scenes(size: Size, count: int, seed: int) -> list[Scene]:
    """The same scenes for the same seed; none with a held-out combination."""
    chance = Random(f"scenes {size} {seed}")  # noqa: S311 - wants to be repeatable
    return [draw_scene(chance, size) for _ in range(count)]


def fingerprint(vae: Any) -> int:
    """Tells one encoder's weights from another's: latents of one are noise to the other."""
    mark = 0
    for part in (vae.encoder, vae.quant_conv):
        for parameter in part.parameters():
            mark = zlib.crc32(parameter.detach().cpu().contiguous().numpy().tobytes(), mark)
    return mark


@torch.no_grad()
def encode(vae: Any, pictures: Tensor, device: torch.device) -> Tensor:
    """Latents of `pictures` in −1…1, scaled as the pipelines scale them; on the CPU."""
    with torch.autocast(device.type, dtype=torch.bfloat16):
        mean = vae.encode(pictures.to(device)).latent_dist.mean
    latents: Tensor = (mean.float() * vae.config.scaling_factor).cpu()
    return latents
