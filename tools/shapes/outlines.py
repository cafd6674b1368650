"""The eight outlines as signed distances, negative inside, in units of the thing's radius.

Each is worked out once from its corners on a fine grid (exact there) and looked up bilinearly when
painting: at a radius of 50 pixels the look-up is within 0.05 pixels of the exact distance.
"""

import math
from functools import cache

import torch
from torch import Tensor

from tools.shapes.names import SHAPES, Shape

#: The grid covers this many radii to each side; farther away it is background, or nearly no shadow.
EXTENT = 1.5
GRID_POINTS = 385
#: Corners that stand for half of a heart's outline.
HEART_CORNERS = 40
RING_HOLE = 0.54
STAR_WAIST = 0.42
CROSS_ARM = 0.34

Corner = tuple[float, float]


@cache
def distance_grids() -> Tensor:
    """(8, 1, GRID_POINTS, GRID_POINTS) in the order of `SHAPES`; rows run from top to bottom."""
    axis = torch.linspace(-EXTENT, EXTENT, GRID_POINTS, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([_distance(shape, x, y) for shape in SHAPES])[:, None].float()


def _distance(shape: Shape, x: Tensor, y: Tensor) -> Tensor:
    from_centre = torch.hypot(x, y)
    if shape is Shape.CIRCLE:
        return from_centre - 1
    if shape is Shape.RING:
        return torch.maximum(from_centre - 1, RING_HOLE - from_centre)
    return _polygon_distance(corners(shape), x, y)


def corners(shape: Shape) -> list[Corner]:
    """The corners in order around a shape that has any; y points down, extent within ±1."""
    match shape:
        case Shape.SQUARE:
            return [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)]
        case Shape.DIAMOND:
            return [(0, -1), (0.86, 0), (0, 1), (-0.86, 0)]
        case Shape.TRIANGLE:
            return [(0, -0.95), (1, 0.82), (-1, 0.82)]
        case Shape.STAR:
            radii = (1.08, 1.08 * STAR_WAIST)
            turns = [(index * math.pi / 5, radii[index % 2]) for index in range(10)]
            return [(far * math.sin(turn), -far * math.cos(turn)) for turn, far in turns]
        case Shape.CROSS:
            a, b = CROSS_ARM, 1.0
            return [
                *((-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a)),
                *((a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)),
            ]
        case Shape.HEART:
            # The well-known curve x = 16 sin³t, y = 13 cos t − 5 cos 2t − 2 cos 3t − cos 4t.
            turns_of_heart = [index * math.pi / HEART_CORNERS for index in range(2 * HEART_CORNERS)]
            return [
                (
                    16 * math.sin(t) ** 3 / 16.5,
                    -(
                        13 * math.cos(t)
                        - 5 * math.cos(2 * t)
                        - 2 * math.cos(3 * t)
                        - math.cos(4 * t)
                    )
                    / 16.5
                    - 0.12,
                )
                for t in turns_of_heart
            ]
        case _:
            raise ValueError(f"a {shape} has no corners; it must be one of the other shapes")


def _polygon_distance(around: list[Corner], x: Tensor, y: Tensor) -> Tensor:
    """To the nearest edge; inside is where a ray to the right crosses an odd number of edges."""
    nearest = torch.full_like(x, math.inf)
    inside = torch.zeros_like(x, dtype=torch.bool)
    for (x0, y0), (x1, y1) in zip(around, around[1:] + around[:1], strict=True):
        along_x, along_y = x1 - x0, y1 - y0
        share = ((x - x0) * along_x + (y - y0) * along_y) / (along_x**2 + along_y**2)
        share = share.clamp(0, 1)
        nearest = torch.minimum(
            nearest, torch.hypot(x - x0 - share * along_x, y - y0 - share * along_y)
        )
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * along_x / along_y)
    return torch.where(inside, -nearest, nearest)
