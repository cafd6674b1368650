"""Reads a picture of one object on a plain background: both colours and the object's outline.

Knows nothing of the model; it is itself tested on pictures painted by Pillow.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu_worker.ports import Pixels

#: Widely used names, by their hue; compared without regard to brightness, as shading changes it.
COLOURS = {
    "red": (218, 42, 44),
    "yellow": (246, 216, 52),
    "green": (46, 160, 72),
    "blue": (42, 88, 218),
    "white": (244, 244, 242),
    "black": (28, 28, 32),
}
#: Share of the shorter side that surely is background.
MARGIN = 0.05
#: Distance in RGB from the background that makes a pixel the object's.
OBJECT_DISTANCE = 90.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    background: str
    colour: str
    #: Of the object, in the share of the picture.
    area: float
    #: Object's area over the area of a disc as wide and as high: 1 for a circle or an ellipse,
    #: 1.27 for a box, some 0.7 for a triangle or a diamond.
    roundness: float


def look_at(pixels: Pixels) -> Seen:
    """Raises `AssertionError` when there is nothing but background."""
    height, width, _ = pixels.shape
    values = pixels.astype(float)
    margin = max(2, round(min(height, width) * MARGIN))
    inner = np.zeros((height, width), bool)
    inner[margin:-margin, margin:-margin] = True
    background = np.median(values[~inner], axis=0)
    # An object's shadow is background, only darker; it lies on the line from there to black.
    away = np.linalg.norm(values - background, axis=2)
    mask = (away > OBJECT_DISTANCE) & ~_shadow(values, background)
    assert mask.any(), "the picture is all background"
    rows, columns = np.nonzero(mask)
    # The outermost pixels of a drawn object are rough: leave one in fifty on each side out.
    high = np.diff(np.quantile(rows, (0.005, 0.995)))[0] + 1
    wide = np.diff(np.quantile(columns, (0.005, 0.995)))[0] + 1
    return Seen(
        background=_name(background),
        colour=_name(np.median(values[mask], axis=0)),
        area=float(mask.mean()),
        roundness=float(mask.sum() / (math.pi / 4 * high * wide)),
    )


def _shadow(values: NDArray[np.float64], background: NDArray[np.float64]) -> NDArray[np.bool_]:
    share = (values @ background) / max(1.0, float(background @ background))
    off_line = np.linalg.norm(values - share[..., None] * background, axis=2)
    shadow: NDArray[np.bool_] = (off_line < OBJECT_DISTANCE / 3) & (share < 1) & (share > 0.5)
    return shadow


def _name(colour: NDArray[np.float64]) -> str:
    def distance(name: str) -> float:
        difference = colour - np.array(COLOURS[name])
        brightness = difference.mean()
        return float(2 * np.sum((difference - brightness) ** 2) + 3 * brightness**2)

    return min(COLOURS, key=distance)


def share_of(name: str, pixels: Pixels, tolerance: float = 110.0) -> float:
    """Share of the pixels within `tolerance` (distance in RGB) of the named colour."""
    away = np.linalg.norm(pixels.astype(float) - np.array(COLOURS[name]), axis=2)
    return float((away < tolerance).mean())
