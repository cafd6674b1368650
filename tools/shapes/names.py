"""What there is in the painted world: ten colours and eight shapes, with the words for them.

The order of the members decides numbers in checkpoints' random streams: append, never insert.
"""

from enum import StrEnum


class Colour(StrEnum):
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    CYAN = "cyan"
    BLUE = "blue"
    PURPLE = "purple"
    PINK = "pink"
    WHITE = "white"
    BLACK = "black"


class Shape(StrEnum):
    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    STAR = "star"
    HEART = "heart"
    DIAMOND = "diamond"
    RING = "ring"
    CROSS = "cross"


COLOURS = tuple(Colour)
SHAPES = tuple(Shape)

#: Red, green, blue of 0 to 255; no two nearer than 70: a reader of pixels can tell them apart.
PALETTE = {
    Colour.RED: (218, 42, 44),
    Colour.ORANGE: (244, 138, 28),
    Colour.YELLOW: (246, 216, 52),
    Colour.GREEN: (46, 160, 72),
    Colour.CYAN: (64, 202, 218),
    Colour.BLUE: (42, 88, 218),
    Colour.PURPLE: (132, 60, 184),
    Colour.PINK: (246, 136, 186),
    Colour.WHITE: (244, 244, 242),
    Colour.BLACK: (28, 28, 32),
}

#: Other words that people use; the first of each row is the name itself.
COLOUR_WORDS = {colour: (colour.value,) for colour in COLOURS} | {
    Colour.PURPLE: ("purple", "violet"),
    Colour.CYAN: ("cyan", "turquoise"),
}
SHAPE_WORDS = {shape: (shape.value,) for shape in SHAPES} | {
    Shape.CIRCLE: ("circle", "disc"),
    Shape.DIAMOND: ("diamond", "rhombus"),
    Shape.CROSS: ("cross", "plus"),
}
PLURALS = {"cross": "crosses", "plus": "pluses", "rhombus": "rhombuses"}


def plural(shape_word: str) -> str:
    """The plural of a word of `SHAPE_WORDS`."""
    return PLURALS.get(shape_word, shape_word + "s")
