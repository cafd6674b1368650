"""A clip: one thing that moves over one background, and where it is in every frame."""

from dataclasses import dataclass
from enum import StrEnum
from math import pi, sin

from tools.shapes.names import Colour, Shape
from tools.shapes.scene import Arrangement, Scene, Size, Thing

#: Frames of a clip; what the film model makes by itself. 4k + 1, as Wan's autoencoder wants.
FRAMES = 17
#: Width, height: the nearest to 832 × 480 and 480 × 832 that 16 divides.
SIZES: tuple[Size, ...] = ((112, 64), (64, 112))


class Motion(StrEnum):
    RIGHT = "right"
    LEFT = "left"
    UP = "up"
    DOWN = "down"
    GROWING = "growing"
    SHRINKING = "shrinking"
    SPINNING = "spinning"
    BOUNCING = "bouncing"
    STILL = "still"


#: A turned circle looks like one that is not.
ROUND = frozenset({Shape.CIRCLE, Shape.RING})
#: Of the shorter side: radius of what moves, radii that growing runs through, its turned ones' too.
RADIUS = 0.22
SMALL_RADIUS, LARGE_RADIUS = 0.14, 0.38
SPINNING_RADIUS = 0.3
#: Shares of a side between which what moves along it runs.
NEAR, FAR = 0.24, 0.76
#: How far a spinning thing turns from the first frame to the last.
TURN = pi


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    size: Size
    background: Colour
    shape: Shape
    colour: Colour
    motion: Motion
    #: Chance moves of the centre, shares of the shorter side, and of the radius, a factor.
    shift: tuple[float, float] = (0.0, 0.0)
    stretch: float = 1.0

    def frame(self, share: float) -> Scene:
        """The scene at `share` (0…1) of the clip."""
        width, height = self.size
        short = min(self.size)
        along = NEAR + (FAR - NEAR) * share
        x, y, radius, angle = 0.5, 0.5, RADIUS, 0.0
        match self.motion:
            case Motion.RIGHT:
                x = along
            case Motion.LEFT:
                x = 1 - along
            case Motion.DOWN:
                y = along
            case Motion.UP:
                y = 1 - along
            case Motion.GROWING:
                radius = SMALL_RADIUS + (LARGE_RADIUS - SMALL_RADIUS) * share
            case Motion.SHRINKING:
                radius = LARGE_RADIUS - (LARGE_RADIUS - SMALL_RADIUS) * share
            case Motion.SPINNING:
                radius, angle = SPINNING_RADIUS, TURN * share
            case Motion.BOUNCING:
                # From the top to the ground and up again, fastest at the ground.
                y = NEAR + (FAR - NEAR) * sin(pi * share)
            case Motion.STILL:
                pass
        thing = Thing(
            shape=self.shape,
            colour=self.colour,
            x=x * width + self.shift[0] * short,
            y=y * height + self.shift[1] * short,
            radius=radius * short * self.stretch,
            angle=angle,
        )
        return Scene(
            size=self.size,
            background=self.background,
            things=(thing,),
            arrangement=Arrangement.ALONE,
        )

    def scenes(self, first: int = 0, count: int = FRAMES) -> list[Scene]:
        """Frames `first` … `first + count − 1` of the FRAMES of the clip."""
        return [self.frame(index / (FRAMES - 1)) for index in range(first, first + count)]
