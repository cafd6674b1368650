"""Spoils painted pictures the way a weak model does: noise, soft edges, wobbling outlines."""

import torch
from torch import Tensor
from torch.nn import functional

#: Cells of the grid that outlines are pushed about by: of 8 pixels, as the latents' are.
WOBBLE_CELL = 8


def worn(
    pictures: Tensor,
    *,
    noise: float = 0.0,
    wobble_pixels: float = 0.0,
    blur: int = 1,
    seed: int = 0,
) -> Tensor:
    """`pictures` (n, 3, h, w) in −1…1; `noise` is a deviation in the same units."""
    generator = torch.Generator().manual_seed(seed)
    count, _, height, width = pictures.shape
    if wobble_pixels:
        coarse = torch.randn(
            count, 2, height // WOBBLE_CELL, width // WOBBLE_CELL, generator=generator
        )
        push = functional.interpolate(coarse, (height, width), mode="bicubic") * wobble_pixels
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        where = torch.stack(
            [(x + push[:, 0]) / width * 2 - 1, (y + push[:, 1]) / height * 2 - 1], -1
        )
        pictures = functional.grid_sample(
            pictures, where, padding_mode="border", align_corners=False
        )
    if blur > 1:
        padded = functional.pad(pictures, (blur // 2,) * 4, mode="replicate")
        pictures = functional.avg_pool2d(padded, blur, stride=1)
    spoiled = pictures + noise * torch.randn(pictures.shape, generator=generator)
    return spoiled.clamp(-1, 1)
