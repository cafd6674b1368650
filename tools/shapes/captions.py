"""Says in words what is on a scene, in many ways; and says only part of it, as people do too.

A caption never says anything false: every word that has a meaning in this world is true of the
scene. What it leaves out may be anything, so "red" alone stands for all scenes with something red,
which is what makes a negative prompt of one word work.
"""

from random import Random

from tools.shapes.names import COLOUR_WORDS, SHAPE_WORDS, plural
from tools.shapes.scene import Arrangement, Finish, Place, Scale, Scene, Thing

#: Shares of captions: empty, filler only, a part of the truth; the rest tells all but details.
EMPTY = 0.02
FILLER_ONLY = 0.02
PARTIAL = 0.13
#: How often size and place of a single thing, and the background, are told where they could be.
TELL_ORDINARY = 0.12
TELL_BACKGROUND = 0.93
TELL_FILLER = 0.35
#: At most this many words of filler follow one another.
MOST_FILLERS = 5

OPENINGS = (
    "a photo of", "a picture of", "a drawing of", "an illustration of", "a painting of",
    "an image of", "a render of", "a simple picture of",
)  # fmt: skip
FILLERS = (
    "highly detailed", "4k", "8k", "best quality", "masterpiece", "high quality", "minimal",
    "clean", "beautiful", "vector art", "flat design", "digital art", "sharp", "sharp focus",
    "simple", "high resolution", "professional", "award winning", "crisp edges",
)  # fmt: skip
SIZE_WORDS = {
    Scale.SMALL: ("small", "little", "tiny"),
    Scale.MEDIUM: ("medium sized",),
    Scale.LARGE: ("large", "big", "huge"),
}
PLACE_WORDS = {
    Place.CENTRE: ("in the middle", "in the center"),
    Place.LEFT: ("on the left", "at the left"),
    Place.RIGHT: ("on the right", "at the right"),
    Place.TOP: ("at the top",),
    Place.BOTTOM: ("at the bottom",),
}
FINISH_WORDS = {
    Finish.SHADED: ("studio lighting", "shaded", "glossy"),
    Finish.SHADOW: ("with a soft shadow", "with a shadow", "drop shadow"),
    Finish.BLURRED: ("blurry", "blurred", "low quality", "out of focus", "bad quality"),
}
NUMBER_WORDS = {2: ("two", "2", "a pair of"), 3: ("three", "3")}
#: With weights: the first is how most people say it.
BACKGROUND_FORMS = {
    "{things} on {a_colour} background": 0.5,
    "{things} on {colour}": 0.12,
    "{things}, {colour} background": 0.12,
    "{things} against {a_colour} background": 0.08,
    "on {a_colour} background, {things}": 0.06,
    "{colour} background, {things}": 0.06,
    "{things}, the background is {colour}": 0.06,
}
BESIDE_WORDS = ("and", "and", "next to", "beside", "to the left of")
BESIDE_TURNED_WORDS = ("to the right of",)
ABOVE_WORDS = ("above", "on top of", "over")
ABOVE_TURNED_WORDS = ("below", "under", "beneath")


def caption_of(scene: Scene, chance: Random) -> str:
    """One of the many captions of a scene; sometimes a part of it, filler or nothing."""
    kind = chance.random()
    if kind < EMPTY:
        return ""
    if kind < EMPTY + FILLER_ONLY:
        return ", ".join(_fillers(chance))
    if kind < EMPTY + FILLER_ONLY + PARTIAL:
        return _part(scene, chance)
    return full_caption(scene, chance)


def full_caption(scene: Scene, chance: Random) -> str:
    """Every thing with its colour, their number and order; nearly always the background."""
    things = _things(scene, chance)
    if _happens(chance, 0.4):
        things = f"{chance.choice(OPENINGS)} {things}"
    if _happens(chance, TELL_BACKGROUND):
        form = chance.choices(list(BACKGROUND_FORMS), list(BACKGROUND_FORMS.values()))[0]
        colour = chance.choice(COLOUR_WORDS[scene.background])
        things = form.format(things=things, colour=colour, a_colour=with_article(colour))
    return _with_extras(things, scene, chance)


def _part(scene: Scene, chance: Random) -> str:
    """A word or a few that are true of the scene."""
    thing = chance.choice(scene.things)
    colour, shape = chance.choice(COLOUR_WORDS[thing.colour]), _shape(thing, chance)
    background = chance.choice(COLOUR_WORDS[scene.background])
    several = len(scene.things) > 1 and len(set(_looks(scene))) == 1
    choices = [
        chance.choice((colour, background)),
        shape,
        f"{colour} {shape}",
        f"{background} background",
        with_article(shape),
        f"{with_article(shape)} on {with_article(background)} background",
        with_article(f"{colour} {shape}"),
    ]
    if several:
        number = chance.choice(NUMBER_WORDS[len(scene.things)])
        choices += [f"{number} {plural(shape)}", plural(shape), f"{colour} {plural(shape)}"]
    if scene.finish is not Finish.PLAIN:
        choices += [chance.choice(FINISH_WORDS[scene.finish])] * 3
    said = chance.choice(choices)
    return _with_extras(said, scene, chance) if _happens(chance, 0.25) else said


def _things(scene: Scene, chance: Random) -> str:
    match scene.arrangement:
        case Arrangement.ALONE:
            return _alone(scene, chance)
        case Arrangement.ALIKE:
            thing = scene.things[0]
            number = chance.choice(NUMBER_WORDS[len(scene.things)])
            colour = chance.choice(COLOUR_WORDS[thing.colour])
            return f"{number} {colour} {plural(_shape(thing, chance))}"
        case Arrangement.BESIDE:
            return _pair(scene, chance, BESIDE_WORDS, BESIDE_TURNED_WORDS)
        case Arrangement.ABOVE:
            return _pair(scene, chance, ABOVE_WORDS, ABOVE_TURNED_WORDS)
        case Arrangement.ROW:
            first, second, third = (_single(thing, chance) for thing in scene.things)
            return f"{first}, {second} and {third}"


def _alone(scene: Scene, chance: Random) -> str:
    thing = scene.things[0]
    size = ""
    if scene.scale is not Scale.MEDIUM or _happens(chance, TELL_ORDINARY):
        size = chance.choice(SIZE_WORDS[scene.scale]) + " "
    colour, shape = chance.choice(COLOUR_WORDS[thing.colour]), _shape(thing, chance)
    said = with_article(f"{size}{colour} {shape}")
    if _happens(chance, 0.05):
        said = f"{with_article(size + shape)} in {colour}"
    elif _happens(chance, 0.05):
        said = f"{size}{colour} {shape}"
    if scene.place is not Place.CENTRE or _happens(chance, TELL_ORDINARY):
        said += " " + chance.choice(PLACE_WORDS[scene.place])
    return said


def _pair(
    scene: Scene, chance: Random, words: tuple[str, ...], turned_words: tuple[str, ...]
) -> str:
    first, second = (_single(thing, chance) for thing in scene.things)
    if _happens(chance, 0.25):
        return f"{second} {chance.choice(turned_words)} {first}"
    return f"{first} {chance.choice(words)} {second}"


def _single(thing: Thing, chance: Random) -> str:
    return with_article(f"{chance.choice(COLOUR_WORDS[thing.colour])} {_shape(thing, chance)}")


def _shape(thing: Thing, chance: Random) -> str:
    return chance.choice(SHAPE_WORDS[thing.shape])


def _looks(scene: Scene) -> list[tuple[str, str]]:
    return [(thing.shape, thing.colour) for thing in scene.things]


def _with_extras(said: str, scene: Scene, chance: Random) -> str:
    """The finish, which is always told, and some filler."""
    parts = [said]
    if scene.finish is not Finish.PLAIN:
        parts.append(chance.choice(FINISH_WORDS[scene.finish]))
    if _happens(chance, TELL_FILLER):
        parts += _fillers(chance)
    return ", ".join(parts)


def _fillers(chance: Random) -> list[str]:
    return chance.sample(FILLERS, chance.randint(1, MOST_FILLERS))


def with_article(words: str) -> str:
    """ "an orange" and "a red"."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _happens(chance: Random, share: float) -> bool:
    return chance.random() < share
