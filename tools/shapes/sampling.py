"""Scenes by chance, and the combinations that are never among those trained on.

All chance comes from the `random.Random` handed in: the same seed gives the same scenes anywhere.
"""

from random import Random
from typing import TypeVar

from tools.shapes.names import COLOURS, SHAPES, Colour, Shape
from tools.shapes.scene import Arrangement, Finish, Place, Scale, Scene, Size, Thing

Choice = TypeVar("Choice")

#: One in this many (shape, colour, background) is held out; every pair of the three is still seen.
HELD_OUT_MODULUS = 9

#: Radii as shares of the shorter side.
RADII = {Scale.SMALL: 0.17, Scale.MEDIUM: 0.27, Scale.LARGE: 0.38}
PAIR = 2
PAIR_RADIUS = 0.19
TRIO_RADIUS = 0.15
ROW_RADIUS = 0.13
#: Chance moves of radius (a factor) and centre (share of the shorter side).
RADIUS_SPREAD = 0.06
CENTRE_SPREAD = 0.02
#: Left free between a thing and the side it lies at, as a share of the shorter side.
MARGIN = 0.06

ARRANGEMENTS = {
    Arrangement.ALONE: 0.32,
    Arrangement.ALIKE: 0.34,
    Arrangement.BESIDE: 0.16,
    Arrangement.ABOVE: 0.12,
    Arrangement.ROW: 0.06,
}
FINISHES = {
    Finish.PLAIN: 0.84,
    Finish.SHADED: 0.06,
    Finish.SHADOW: 0.06,
    Finish.BLURRED: 0.04,
}
SCALES = {Scale.MEDIUM: 0.6, Scale.SMALL: 0.2, Scale.LARGE: 0.2}
PLACES = {
    Place.CENTRE: 0.6,
    Place.LEFT: 0.1,
    Place.RIGHT: 0.1,
    Place.TOP: 0.1,
    Place.BOTTOM: 0.1,
}


def is_held_out(shape: Shape, colour: Colour, background: Colour) -> bool:
    """Whether this combination is kept from training, to be asked for in the evaluation."""
    number = 2 * SHAPES.index(shape) + 5 * COLOURS.index(colour) + 7 * COLOURS.index(background)
    return number % HELD_OUT_MODULUS == 0


def held_out() -> list[tuple[Shape, Colour, Colour]]:
    """All combinations (shape, its colour, background) that training never sees."""
    return [
        (shape, colour, background)
        for shape in SHAPES
        for colour in COLOURS
        for background in COLOURS
        if colour != background and is_held_out(shape, colour, background)
    ]


def draw_scene(chance: Random, size: Size) -> Scene:
    """A scene of a picture of `size`, free of held-out combinations."""
    arrangement = _weighted(chance, ARRANGEMENTS)
    background = chance.choice(COLOURS)
    finish = _weighted(chance, FINISHES)
    kinds = _kinds(chance, arrangement, background)
    scale, place = Scale.MEDIUM, Place.CENTRE
    if arrangement is Arrangement.ALONE:
        scale, place = _weighted(chance, SCALES), _weighted(chance, PLACES)
        if scale is Scale.LARGE:
            place = Place.CENTRE  # it fills the shorter side anyhow
    return arrange(
        chance,
        size=size,
        background=background,
        kinds=kinds,
        arrangement=arrangement,
        scale=scale,
        place=place,
        finish=finish,
    )


def arrange(
    chance: Random,
    *,
    size: Size,
    background: Colour,
    kinds: tuple[tuple[Shape, Colour], ...],
    arrangement: Arrangement,
    scale: Scale = Scale.MEDIUM,
    place: Place = Place.CENTRE,
    finish: Finish = Finish.PLAIN,
) -> Scene:
    """Lay `kinds` out; chance only moves and scales them a little."""
    width, height = size
    short = min(size)
    radius_share = _radius_share(len(kinds), arrangement, scale)
    radius = short * radius_share * chance.uniform(1 - RADIUS_SPREAD, 1 + RADIUS_SPREAD)
    things = []
    for (shape, colour), (across, down) in zip(
        kinds, _centres(size, len(kinds), arrangement), strict=True
    ):
        x, y = across * width, down * height
        near = radius + MARGIN * short
        x = {Place.LEFT: near, Place.RIGHT: width - near}.get(place, x)
        y = {Place.TOP: near, Place.BOTTOM: height - near}.get(place, y)
        x += short * chance.uniform(-CENTRE_SPREAD, CENTRE_SPREAD)
        y += short * chance.uniform(-CENTRE_SPREAD, CENTRE_SPREAD)
        things.append(Thing(shape=shape, colour=colour, x=x, y=y, radius=radius))
    return Scene(
        size=size,
        background=background,
        things=tuple(things),
        arrangement=arrangement,
        scale=scale,
        place=place,
        finish=finish,
    )


def _radius_share(count: int, arrangement: Arrangement, scale: Scale) -> float:
    if arrangement is Arrangement.ROW:
        return ROW_RADIUS
    return {1: RADII[scale], PAIR: PAIR_RADIUS, 3: TRIO_RADIUS}[count]


def _centres(size: Size, count: int, arrangement: Arrangement) -> list[tuple[float, float]]:
    """Centres as shares of width and height."""
    width, height = size
    upright = height > width
    if arrangement is Arrangement.ALONE:
        return [(0.5, 0.5)]
    if count == PAIR:
        stacked = arrangement is Arrangement.ABOVE or (arrangement is Arrangement.ALIKE and upright)
        return [(0.5, 0.27), (0.5, 0.73)] if stacked else [(0.26, 0.5), (0.74, 0.5)]
    if arrangement is Arrangement.ALIKE and width == height:
        return [(0.5, 0.27), (0.26, 0.7), (0.74, 0.7)]
    shares = (0.18, 0.5, 0.82)
    return [(0.5, share) if upright else (share, 0.5) for share in shares]


def _kinds(
    chance: Random, arrangement: Arrangement, background: Colour
) -> tuple[tuple[Shape, Colour], ...]:
    count = {Arrangement.ALONE: 1, Arrangement.ROW: 3}.get(arrangement, 2)
    if arrangement is Arrangement.ALIKE:
        return (_kind(chance, background),) * chance.choice((2, 3))
    kinds: list[tuple[Shape, Colour]] = []
    while len(kinds) < count:
        kind = _kind(chance, background)
        if kind not in kinds:
            kinds.append(kind)
    return tuple(kinds)


def _kind(chance: Random, background: Colour) -> tuple[Shape, Colour]:
    while True:
        shape, colour = chance.choice(SHAPES), chance.choice(COLOURS)
        if colour != background and not is_held_out(shape, colour, background):
            return shape, colour


def _weighted(chance: Random, weights: dict[Choice, float]) -> Choice:
    return chance.choices(list(weights), list(weights.values()))[0]
