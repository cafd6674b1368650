"""A picture that stands for a drawn one where files are encoded: shapes under fine noise."""

import numpy as np

from gpu_worker.ports import Pixels

#: Levels: photo-like, so that a PNG of 1024 × 1024 has 2 MB.
GRAIN = 6.0
#: Squared, of the disc, as a share of the side.
RADIUS = 0.1


def photo(side: int) -> Pixels:
    """`side` × `side`, the same each time."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    disc = ((x - 0.5) ** 2 + (y - 0.5) ** 2 < RADIUS)[..., None]
    shapes = np.where(disc, (230, 40, 40), np.stack([40 + 90 * x, 90 + 60 * y, 200 - 90 * x], -1))
    noise = random.normal(0, GRAIN, (side, side, 3))
    pixels: Pixels = np.clip(shapes + noise, 0, 255).astype(np.uint8)
    return pixels
