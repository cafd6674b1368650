"""Reads from a picture's pixels what is on it: background, and every thing's colour and shape.

Knows only the palette and the outlines, nothing of the model. The background is what the rim shows,
running evenly from top to bottom; what differs from it and hangs together is a thing; its shape is
the outline that covers it best.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from tools.shapes.names import COLOURS, PALETTE, SHAPES, Colour, Shape
from tools.shapes.outlines import distance_grids

#: Height × width × 3, 0…255.
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: Share of the shorter side that is the rim.
RIM = 0.03
#: Distance in RGB from the background that makes a pixel a thing's; palette colours are 70 apart.
THING_DISTANCE = 45.0
#: A shadow is background times this at least.
DARKEST_SHADOW = 0.55
SHADOW_DISTANCE = 25.0
#: Smaller spots, as a share of the picture, are dirt.
SMALLEST = 0.005
#: Points to a side of the square in which outlines are compared, and its half side in units of the
#: square root of the area: a cross reaches 0.65 of these, a star 0.96.
POINTS = 48
REACH = 1.2
#: Grown inwards by this many pixels, a thing is free of the mixed colours of its edge.
EDGE_PIXELS = 2


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class SeenThing:
    shape: Shape
    colour: Colour
    #: Of the centre, as shares of width and height.
    x: float
    y: float
    #: As a share of the picture.
    area: float
    #: How much of the outline agrees, 0…1.
    likeness: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    background: Colour
    #: From left to right.
    things: tuple[SeenThing, ...]


def read_picture(pixels: Pixels) -> Seen:
    """What is on `pixels`."""
    values = pixels.astype(np.float64)
    background, masks = _split(values)
    return Seen(
        background=nearest_colour(background),
        things=tuple(
            sorted((_read_thing(mask, values) for mask in masks), key=lambda thing: thing.x)
        ),
    )


def thing_mask(pixels: Pixels) -> Mask:
    """Where the largest thing on `pixels` is; nowhere, if there is none."""
    _, masks = _split(pixels.astype(np.float64))
    return max(masks, key=lambda mask: mask.sum(), default=np.zeros(pixels.shape[:2], np.bool_))


def _split(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[Mask]]:
    """The background's colour at half height, and where each thing is."""
    height, width, _ = values.shape
    rim = max(2, round(min(height, width) * RIM))
    top, bottom = (
        np.median(np.concatenate([part.reshape(-1, 3) for part in parts]), axis=0)
        for parts in (
            (values[:rim], values[: 2 * rim, :rim], values[: 2 * rim, -rim:]),
            (values[-rim:], values[-2 * rim :, :rim], values[-2 * rim :, -rim:]),
        )
    )
    down = np.linspace(0, 1, height)[:, None, None]
    background = top + (bottom - top) * down
    found, count = ndimage.label(_differs(values, background), np.ones((3, 3)))
    masks = [found == number for number in range(1, count + 1)]
    return (top + bottom) / 2, [mask for mask in masks if mask.mean() >= SMALLEST]


def nearest_colour(rgb: NDArray[np.float64]) -> Colour:
    """The colour of the palette nearest to 3 values of 0…255; brightness counts half."""

    def distance(colour: Colour) -> float:
        away = rgb - np.array(PALETTE[colour])
        return float(np.sum((away - away.mean()) ** 2) + 0.5 * 3 * away.mean() ** 2)

    return min(COLOURS, key=distance)


def nearest_shape(mask: Mask) -> tuple[Shape, float]:
    """The outline that agrees best with `mask`, both brought to one centre and area."""
    own = _normalised(torch.from_numpy(mask).float())
    shared = torch.minimum(own, _templates()).sum((1, 2))
    either = torch.maximum(own, _templates()).sum((1, 2))
    likeness = shared / either
    best = int(likeness.argmax())
    return SHAPES[best], float(likeness[best])


def agrees(seen: Seen, kinds: Iterable[tuple[Shape, Colour]]) -> bool:
    """Whether the things seen are just those, in any order."""
    return sorted((it.shape, it.colour) for it in seen.things) == sorted(kinds)


def _differs(values: NDArray[np.float64], background: NDArray[np.float64]) -> Mask:
    away = np.linalg.norm(values - background, axis=2)
    share = (values * background).sum(2) / np.maximum(1.0, (background**2).sum(2))
    off_line = np.linalg.norm(values - share[..., None] * background, axis=2)
    # On near-black backgrounds everything dark lies on the line, and no shadow can be seen.
    shadow = (off_line < SHADOW_DISTANCE) & (share > DARKEST_SHADOW) & (share < 1)
    different: Mask = (away > THING_DISTANCE) & ~shadow
    return different


def _read_thing(mask: Mask, values: NDArray[np.float64]) -> SeenThing:
    height, width = mask.shape
    core = ndimage.binary_erosion(mask, iterations=EDGE_PIXELS)
    if not core.any():
        core = mask
    shape, likeness = nearest_shape(mask)
    rows, columns = np.nonzero(mask)
    return SeenThing(
        shape=shape,
        colour=nearest_colour(np.median(values[core], axis=0)),
        x=float(columns.mean() + 0.5) / width,
        y=float(rows.mean() + 0.5) / height,
        area=float(mask.mean()),
        likeness=likeness,
    )


@cache
def _templates() -> torch.Tensor:
    """(8, POINTS, POINTS)"""
    return torch.stack([_normalised((grid[0] <= 0).float()) for grid in distance_grids()])


def _normalised(mask: torch.Tensor) -> torch.Tensor:
    """`mask` with its centre of gravity in the middle, at a fixed area: (POINTS, POINTS) of 0…1."""
    height, width = mask.shape
    rows = torch.arange(height) + 0.5
    columns = torch.arange(width) + 0.5
    area = mask.sum()
    middle_y = float((mask.sum(1) * rows).sum() / area)
    middle_x = float((mask.sum(0) * columns).sum() / area)
    side = float(area.sqrt()) * REACH
    axis = torch.linspace(-side, side, POINTS)
    y = (middle_y + axis) / height * 2 - 1
    x = (middle_x + axis) / width * 2 - 1
    where = torch.stack([x.expand(POINTS, POINTS), y[:, None].expand(POINTS, POINTS)], -1)[None]
    return functional.grid_sample(mask[None, None], where, align_corners=False)[0, 0]
