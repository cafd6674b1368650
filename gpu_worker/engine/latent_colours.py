"""Latents as small pictures, by a linear map that is fitted to a VAE on patches of colour.

One pixel a latent, at most PREVIEW_SIDE a side: some microseconds of work, one copy off the device.
"""

import numpy as np
import torch
from PIL import Image

from gpu_worker.ports import Pixels

#: Pixels; what is larger is scaled down.
PREVIEW_SIDE = 128
LATENT_PIXELS = 8


def colour_patches(side: int, patch: int) -> torch.Tensor:
    """(1, 3, side, side) in −1 … 1: squares of `patch` pixels a side, of one colour each."""
    generator = torch.Generator("cpu").manual_seed(0)
    count = side // patch
    # Evenly spread: with more of the extremes, which a VAE bends, the middle would be off.
    colours = torch.rand(1, 3, count, count, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(colours, side, mode="nearest")


def fit_map(latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """The least-squares map (channels + 1 × 3) from latents (channels × h × w) and 1 to the mean
    colours of the pixels of `pictures` (1 × 3 × height × width) that they stand for."""
    colours = torch.nn.functional.avg_pool2d(pictures, LATENT_PIXELS)[0]
    solution: torch.Tensor = torch.linalg.lstsq(
        _with_one(latents.flatten(1).T), colours.flatten(1).T
    ).solution
    return solution


def to_colours(latents: torch.Tensor, colour_map: torch.Tensor) -> Pixels:
    """A small picture of latents (channels × h × w), at most PREVIEW_SIDE a side."""
    channels, height, width = latents.shape
    rows = latents.detach().float().cpu().numpy().reshape(channels, height * width).T
    weights = colour_map.numpy()
    colours = (rows @ weights[:-1] + (weights[-1] + 1)) * 127.5
    pixels: Pixels = colours.clip(0, 255).round().astype(np.uint8).reshape(height, width, 3)
    if max(height, width) <= PREVIEW_SIDE:
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _with_one(rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
