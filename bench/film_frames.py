"""Frames that stand for a film's where an encoder is measured: made on the fly, the same each time.

`textured` is hard to compress (a marbled layer that drifts over another), `flat` easy (shapes).
"""

from collections.abc import Iterator

import numpy as np

from gpu_worker.ports import Frames

FRAMES_AT_ONCE = 4
#: Levels; more than that, and an encoder spends most of its bits on noise.
GRAIN = 1
HALF = 127.5
#: The smaller, the narrower the veins.
VEIN = 40.0
#: Sides of the clouds that veins wind around, in pixels; the larger, the more they count.
CLOUDS = (320, 160, 80, 40)
#: Of a colour's own veins; the rest is common to all three.
OWN = 0.25


def textured(count: int, size: tuple[int, int]) -> Iterator[Frames]:
    """`count` frames of `size` (width, height), some at a time."""
    width, height = size
    random = np.random.default_rng(0)
    shape = (height + count, width + 2 * count, 3)
    under, above, where = (_marble(random, shape) for _ in range(3))
    for numbers in _chunks(count):
        frames = np.empty((len(numbers), height, width, 3), np.uint8)
        for index, number in enumerate(numbers):
            still, moved = (slice(0, height), slice(0, width)), _moved(number, width, height)
            view = np.where(where[moved] > HALF, above[moved], under[still])
            grain = random.normal(0, GRAIN, (height, width, 1))
            frames[index] = np.clip(view + grain, 0, 255)
        yield frames


def flat(count: int, size: tuple[int, int]) -> Iterator[Frames]:
    """A red disc that moves right on blue."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    for numbers in _chunks(count):
        frames = np.empty((len(numbers), height, width, 3), np.uint8)
        frames[:] = (42, 88, 218)
        for index, number in enumerate(numbers):
            middle = width * (1 + 2 * number / count) / 4
            disc = (x - middle) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2
            frames[index][disc] = (230, 40, 40)
        yield frames


def _moved(number: int, width: int, height: int) -> tuple[slice, slice]:
    return slice(number, number + height), slice(2 * number, 2 * number + width)


def _marble(
    random: np.random.Generator, shape: tuple[int, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Veins with sharp and soft edges, 0 … 255."""
    canvas = np.asarray(sum(side * _clouds(random, shape, side) for side in CLOUDS))
    canvas = OWN * canvas + (1 - OWN) * canvas.mean(axis=2, keepdims=True)
    marble: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = HALF + HALF * np.sin(canvas / VEIN)
    return marble


def _chunks(count: int) -> Iterator[range]:
    for first in range(0, count, FRAMES_AT_ONCE):
        yield range(first, min(first + FRAMES_AT_ONCE, count))


def _clouds(
    random: np.random.Generator, shape: tuple[int, ...], side: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """−1 … 1, smooth over `side` pixels."""
    height, width = -(-shape[0] // side) + 1, -(-shape[1] // side) + 1
    knots = random.uniform(-1, 1, (height, width, 3))
    rows = np.arange(shape[0]) / side
    columns = np.arange(shape[1]) / side
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = knots[top][:, left] * (1 - right) + knots[top][:, left + 1] * right
    lower = knots[top + 1][:, left] * (1 - right) + knots[top + 1][:, left + 1] * right
    clouds: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = upper * (1 - down) + lower * down
    return clouds
