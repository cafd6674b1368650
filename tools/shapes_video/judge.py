"""Reads from a film's frames what is on it: background, colour, shape, and how the thing moves.

Every frame is read as a picture. Motion is read off the centre, the area and the outline of the
largest thing, frame after frame; nothing is known of the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mode

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tools.shapes.judge import Pixels, SeenThing, read_picture, thing_mask
from tools.shapes.names import Colour, Shape
from tools.shapes_video.clip import Motion

#: Of the shorter side: what the centre must move by for a motion, and may by chance.
MOVED = 0.2
#: Of the areas, last to first: what grows or shrinks changes by this factor.
CHANGED = 1.7
#: Of a bounce, the share of the way there that is come back.
CAME_BACK = 0.5
#: Outlines of the first and a later frame, laid over each other: they agree less when one is
#: turned.
AGREES = 0.85


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenFilm:
    """None where no frame shows a thing."""

    background: Colour
    colour: Colour | None
    shape: Shape | None
    motion: Motion | None


def read_film(frames: Sequence[Pixels]) -> SeenFilm:
    """What `frames` show; at least three of them."""
    seen = [read_picture(frame) for frame in frames]
    largest = [max(it.things, key=lambda thing: thing.area, default=None) for it in seen]
    there = [(frame, thing) for frame, thing in zip(frames, largest, strict=True) if thing]
    background = mode(it.background for it in seen)
    if len(there) < len(frames) / 2:
        return SeenFilm(background=background, colour=None, shape=None, motion=None)
    things = [thing for _, thing in there]
    motion = read_motion([frame for frame, _ in there], things)
    return SeenFilm(
        background=background,
        colour=mode(thing.colour for thing in things),
        # A turned outline is like another one: where it turns, the first frame counts.
        shape=things[0].shape if motion is Motion.SPINNING else mode(it.shape for it in things),
        motion=motion,
    )


def read_motion(frames: Sequence[Pixels], things: Sequence[SeenThing]) -> Motion:
    """How one thing moves that is `things[i]` on `frames[i]`."""
    height, width, _ = frames[0].shape
    short = min(height, width)
    x = np.array([thing.x for thing in things]) * width / short
    y = np.array([thing.y for thing in things]) * height / short
    across, down = _way(x), _way(y)
    if max(abs(across), abs(down)) >= MOVED:
        if abs(across) > abs(down):
            return Motion.RIGHT if across > 0 else Motion.LEFT
        return Motion.DOWN if down > 0 else Motion.UP
    middle = y[len(y) // 3 : -(len(y) // 3)].max()
    if middle - y[0] >= MOVED and middle - y[-1] >= CAME_BACK * (middle - y[0]):
        return Motion.BOUNCING
    areas = np.array([thing.area for thing in things])
    factor = _ends(areas)[1] / _ends(areas)[0]
    if factor >= CHANGED:
        return Motion.GROWING
    if factor <= 1 / CHANGED:
        return Motion.SHRINKING
    first = thing_mask(frames[0])
    agreement = min(_likeness(first, thing_mask(frame)) for frame in frames[1:])
    return Motion.STILL if agreement >= AGREES else Motion.SPINNING


def _way(values: NDArray[np.float64]) -> float:
    """From the first frames to the last."""
    first, last = _ends(values)
    return last - first


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.median(values[:2])), float(np.median(values[-2:]))


def _likeness(first: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Overlap of two outlines, centre on centre, 0…1."""
    if not (first.any() and other.any()):
        return 1.0
    moves = np.array(ndimage.center_of_mass(first)) - np.array(ndimage.center_of_mass(other))
    moved = ndimage.shift(other.astype(np.float64), moves, order=1) >= 0.5  # noqa: PLR2004 - a half
    return float((first & moved).sum() / max(1, (first | moved).sum()))
