"""Clips by chance, free of the combinations that are held out for the evaluation."""

from random import Random

from tools.shapes.names import COLOURS, SHAPES
from tools.shapes.sampling import is_held_out
from tools.shapes.scene import Size
from tools.shapes_video.clip import ROUND, Clip, Motion

#: Chance moves of the centre (share of the shorter side) and of the radius (a factor).
SHIFT_SPREAD = 0.04
STRETCH_SPREAD = 0.08
MOTIONS = {
    Motion.RIGHT: 0.14,
    Motion.LEFT: 0.14,
    Motion.UP: 0.14,
    Motion.DOWN: 0.14,
    Motion.GROWING: 0.1,
    Motion.SHRINKING: 0.1,
    Motion.SPINNING: 0.08,
    Motion.BOUNCING: 0.1,
    Motion.STILL: 0.06,
}


def draw_clip(chance: Random, size: Size, *, held_out: bool = False) -> Clip:
    """A clip of a combination that is trained on, or of one that is held out."""
    motion = chance.choices(list(MOTIONS), list(MOTIONS.values()))[0]
    shapes = [it for it in SHAPES if motion is not Motion.SPINNING or it not in ROUND]
    while True:
        shape, colour, background = (
            chance.choice(shapes),
            chance.choice(COLOURS),
            chance.choice(COLOURS),
        )
        if colour != background and is_held_out(shape, colour, background) is held_out:
            break

    def by_chance(spread: float) -> float:
        return chance.uniform(-spread, spread)

    return Clip(
        size=size,
        background=background,
        shape=shape,
        colour=colour,
        motion=motion,
        shift=(by_chance(SHIFT_SPREAD), by_chance(SHIFT_SPREAD)),
        stretch=1 + by_chance(STRETCH_SPREAD),
    )
