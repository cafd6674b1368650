"""Says in words what a clip shows; nothing that it says is false, and it may leave things out."""

from random import Random

from tools.shapes.captions import BACKGROUND_FORMS, with_article
from tools.shapes.names import COLOUR_WORDS, SHAPE_WORDS
from tools.shapes_video.clip import Clip, Motion

#: Shares of captions: nothing but a part of the truth; of the others, how many open or end so.
PARTIAL = 0.12
TELL_OPENING = 0.25
TELL_FILLER = 0.15
TELL_BACKGROUND = 0.95
TELL_ARTICLE = 0.9
#: Begin with a capital letter.
CAPITALISED = 0.3

OPENINGS = ("a video of", "a film of", "an animation of", "a clip of")
FILLERS = ("smooth motion", "high quality", "best quality", "slowly", "4k", "clean", "simple")
#: The first is how most people say it, and comes up half of the time.
MOTION_WORDS = {
    Motion.RIGHT: ("moving right", "moving to the right", "moving from left to right"),
    Motion.LEFT: ("moving left", "moving to the left", "moving from right to left"),
    Motion.UP: ("moving up", "rising", "moving upwards"),
    Motion.DOWN: ("moving down", "falling", "moving downwards"),
    Motion.GROWING: ("growing", "getting bigger", "getting larger"),
    Motion.SHRINKING: ("shrinking", "getting smaller"),
    Motion.SPINNING: ("spinning", "rotating", "turning"),
    Motion.BOUNCING: ("bouncing", "bouncing up and down"),
    Motion.STILL: ("not moving", "standing still", "still"),
}


def caption_of(clip: Clip, chance: Random) -> str:
    """One of the many captions of a clip; sometimes a part of it only."""
    said = _part(clip, chance) if chance.random() < PARTIAL else full_caption(clip, chance)
    return said[0].upper() + said[1:] if chance.random() < CAPITALISED else said


def full_caption(clip: Clip, chance: Random) -> str:
    """The thing, its colour and what it does; nearly always the background."""
    colour = _colour(clip, chance)
    if chance.random() < TELL_ARTICLE:
        colour = with_article(colour)
    said = f"{colour} {_shape(clip, chance)} {_motion(clip, chance)}"
    if chance.random() < TELL_OPENING:
        said = f"{chance.choice(OPENINGS)} {said}"
    if chance.random() < TELL_BACKGROUND:
        form = chance.choices(list(BACKGROUND_FORMS), list(BACKGROUND_FORMS.values()))[0]
        colour = chance.choice(COLOUR_WORDS[clip.background])
        said = form.format(things=said, colour=colour, a_colour=with_article(colour))
    if chance.random() < TELL_FILLER:
        said += ", " + ", ".join(chance.sample(FILLERS, chance.randint(1, 2)))
    return said


def plain_caption(clip: Clip) -> str:
    """As most people say it."""
    background = with_article(clip.background.value)
    said = f"{with_article(clip.colour.value)} {clip.shape.value} {MOTION_WORDS[clip.motion][0]}"
    return f"{said} on {background} background"


def texts() -> list[str]:
    """All that captions are made of, for the tokenizer's vocabulary."""
    return [
        *OPENINGS,
        *FILLERS,
        *BACKGROUND_FORMS,
        *(words for row in MOTION_WORDS.values() for words in row),
    ]


def _part(clip: Clip, chance: Random) -> str:
    colour, shape = _colour(clip, chance), _shape(clip, chance)
    background = chance.choice(COLOUR_WORDS[clip.background])
    return chance.choice(
        (
            colour,
            shape,
            background,
            f"{colour} {shape}",
            f"{background} background",
            _motion(clip, chance),
            f"{with_article(shape)} {_motion(clip, chance)}",
            f"{with_article(colour)} {shape} on {with_article(background)} background",
        )
    )


def _colour(clip: Clip, chance: Random) -> str:
    return chance.choice(COLOUR_WORDS[clip.colour])


def _shape(clip: Clip, chance: Random) -> str:
    return chance.choice(SHAPE_WORDS[clip.shape])


def _motion(clip: Clip, chance: Random) -> str:
    first, *others = MOTION_WORDS[clip.motion]
    return first if chance.random() < 0.5 else chance.choice(others)  # noqa: PLR2004 - a half
