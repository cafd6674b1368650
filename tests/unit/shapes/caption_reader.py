"""Reads captions back, by rules of its own: which things, how many, on what background."""

import re
from dataclasses import dataclass

#: Words of captions, and the names that they stand for.
COLOUR_NAMES = {
    name: name
    for name in (
        *("red", "orange", "yellow", "green", "cyan"),
        *("blue", "purple", "pink", "white", "black"),
    )
} | {"violet": "purple", "turquoise": "cyan"}
SHAPE_NAMES = {
    name: name
    for name in ("circle", "square", "triangle", "star", "heart", "diamond", "ring", "cross")
} | {"disc": "circle", "rhombus": "diamond", "plus": "cross"}
_COLOUR = "|".join(COLOUR_NAMES)
_SHAPE = "|".join(SHAPE_NAMES)
_THING = re.compile(
    rf"(?:(two|2|a pair of|three|3) )?"
    rf"(?:({_COLOUR}) ({_SHAPE})(?:es|s)?\b|\b({_SHAPE})(?:es|s)? in ({_COLOUR})\b)"
)
_BACKGROUND = re.compile(
    rf"(?:on|against) an? ({_COLOUR}) background|({_COLOUR}) background"
    rf"|the background is ({_COLOUR})|on ({_COLOUR})(?:,|$)"
)
_COUNTS = {"two": 2, "2": 2, "a pair of": 2, "three": 3, "3": 3}


@dataclass(frozen=True)
class Read:
    #: Shape and colour of every thing, in the caption's order.
    things: list[tuple[str, str]]
    background: str | None


def read_caption(caption: str) -> Read:
    things: list[tuple[str, str]] = []
    for number, colour, shape, bare_shape, in_colour in _THING.findall(caption):
        kind = (SHAPE_NAMES[shape or bare_shape], COLOUR_NAMES[colour or in_colour])
        things += [kind] * _COUNTS.get(number, 1)
    found = _BACKGROUND.search(caption)
    background = next(filter(None, found.groups())) if found else None
    return Read(things=things, background=COLOUR_NAMES[background] if background else None)
