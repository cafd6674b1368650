"""Latents of many scenes or clips, kept on disk so that nothing is encoded twice.

Only latents lie there, under a mark of their encoder; what they are of is drawn again from its
seed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from tools.shapes.scene import Size

#: What a bank is of: `Scene` or `Clip`.
Drawn = TypeVar("Drawn")
#: Batches between two lines of progress.
REPORT_EVERY = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentBank(Generic[Drawn]):
    """Scenes or clips of one size. `latents` is (n, …): the first row is of the first one drawn."""

    size: Size
    drawn: list[Drawn]
    latents: Tensor

    def batch(self, count: int, chance: Random) -> tuple[list[Drawn], Tensor]:
        """`count` of them, by chance, latents as 32-bit floats."""
        rows = [chance.randrange(len(self.drawn)) for _ in range(count)]
        return [self.drawn[row] for row in rows], self.latents[rows].float()


def fill_bank(
    vae: Any,
    drawn: list[Drawn],
    encode: Callable[[list[Drawn]], Tensor],
    *,
    size: Size,
    batch: int,
    file: Path,
    report: Callable[[str], None],
) -> LatentBank[Drawn]:
    """Have `vae` `encode` what was drawn, `batch` at once and in order, or read `file` where an
    earlier run left as many latents of the same encoder."""
    mark = fingerprint(vae)
    if file.is_file():
        kept = torch.load(file, map_location="cpu", weights_only=True)
        if kept["encoder"] == mark and len(kept["latents"]) == len(drawn):
            return LatentBank(size=size, drawn=drawn, latents=kept["latents"])
        report(f"{file.name} is of another encoder or of another number: made anew")
    parts = []
    for number, first in enumerate(range(0, len(drawn), batch)):
        parts.append(encode(drawn[first : first + batch]).half())
        if number % REPORT_EVERY == 0:
            report(f"latents {size[0]}x{size[1]}: {first} of {len(drawn)}")
    latents = torch.cat(parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    torch.save({"latents": latents, "encoder": mark}, partial)
    partial.replace(file)
    return LatentBank(size=size, drawn=drawn, latents=latents)


def fingerprint(vae: Any) -> int:
    """Tells one encoder's weights from another's: latents of one are noise to the other."""
    mark = 0
    for part in (vae.encoder, vae.quant_conv):
        for parameter in part.parameters():
            mark = zlib.crc32(parameter.detach().cpu().contiguous().numpy().tobytes(), mark)
    return mark
