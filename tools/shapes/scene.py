"""A scene: what is on a picture, where and how it is painted. Values only."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tools.shapes.names import Colour, Shape

#: Width, height in pixels.
Size: TypeAlias = tuple[int, int]


class Finish(Enum):
    """How a scene is painted; only `PLAIN` goes without a word in the caption."""

    PLAIN = "plain"
    #: Light falls from the top left.
    SHADED = "shaded"
    #: Every thing drops a soft shadow.
    SHADOW = "shadow"
    #: Edges run over several pixels. There to be named in negative prompts.
    BLURRED = "blurred"


class Scale(Enum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Place(Enum):
    CENTRE = "centre"
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


class Arrangement(Enum):
    """How many things there are and how they lie."""

    ALONE = "alone"
    #: Two or three that are alike.
    ALIKE = "alike"
    #: Two, the first at the left.
    BESIDE = "beside"
    #: Two, the first at the top.
    ABOVE = "above"
    #: Three that differ, in a row from the left, or from the top where the picture is upright.
    ROW = "row"


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    shape: Shape
    colour: Colour
    #: Of the centre, in pixels from the left and from the top.
    x: float
    y: float
    #: Half of the widest extent, in pixels.
    radius: float
    #: Turned clockwise by this much, in radians.
    angle: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    size: Size
    background: Colour
    things: tuple[Thing, ...]
    arrangement: Arrangement
    scale: Scale = Scale.MEDIUM
    place: Place = Place.CENTRE
    finish: Finish = Finish.PLAIN
