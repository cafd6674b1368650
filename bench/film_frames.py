"""Frames that stand for a film's where an encoder is measured: made on the fly, the same each time.

`textured` is hard to compress (a picture of clouds and grain that drifts), `flat` easy (shapes).
"""

from collections.abc import Iterator

import numpy as np

from gpu_worker.ports import Frames

FRAMES_AT_ONCE = 4
#: Levels; more than that, and an encoder spends most of its bits on noise.
GRAIN = 1
#: Sides of the clouds, from large to small, in pixels; the larger, the more contrast.
CLOUDS = (160, 80, 40, 20, 10)


def textured(count: int, size: tuple[int, int]) -> Iterator[Frames]:
    """`count` frames of `size` (width, height), some at a time."""
    width, height = size
    random = np.random.default_rng(0)
    canvas = np.full((height + count, width + 2 * count, 3), 128.0)
    for side in CLOUDS:
        canvas += side * 0.3 * _clouds(random, canvas.shape, side)
    sky = np.clip(canvas, 0, 255)
    for numbers in _chunks(count):
        frames = np.empty((len(numbers), height, width, 3), np.uint8)
        for index, number in enumerate(numbers):
            view = sky[number : number + height, 2 * number : 2 * number + width]
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
