"""The prompts that a checkpoint is judged by, each with what must be seen.

Every prompt asks for at least one (shape, colour, background) that training never showed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tools.shapes.captions import full_caption, with_article
from tools.shapes.names import COLOURS, SHAPES, Colour, Shape, plural
from tools.shapes.sampling import arrange, held_out
from tools.shapes.scene import Arrangement, Scene, Size

SIZE: Size = (128, 128)
#: Prompts of each kind; single things are asked for in two ways for nearly every combination.
SINGLE = 156
ALIKE = 72
PAIRS = 72
#: Share of the questions in plain words.
PLAIN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    prompt: str
    #: `single`, `alike` or `pair`.
    kind: str
    #: Worded as anybody would at first; the others use all that captions can say.
    plain: bool
    background: Colour
    things: tuple[tuple[Shape, Colour], ...]


def set_exam(seed: int = 0) -> list[Question]:
    """300 questions, the same for the same seed."""
    chance = Random(f"exam {seed}")  # noqa: S311 - wants to be repeatable
    questions: list[Question] = []
    combinations = _in_turn(chance)
    while len(questions) < SINGLE:
        shape, colour, background = next(combinations)
        questions.append(_ask(chance, "single", background, ((shape, colour),)))
    while len(questions) < SINGLE + ALIKE:
        shape, colour, background = next(combinations)
        count = 2 + len(questions) % 2
        questions.append(_ask(chance, "alike", background, ((shape, colour),) * count))
    while len(questions) < SINGLE + ALIKE + PAIRS:
        shape, colour, background = next(combinations)
        other = (chance.choice(SHAPES), chance.choice([it for it in COLOURS if it != background]))
        if other != (shape, colour):
            questions.append(_ask(chance, "pair", background, ((shape, colour), other)))
    return questions


def scene_of(question: Question, chance: Random) -> Scene:
    """A scene that answers `question` fully."""
    arrangement = {
        "single": Arrangement.ALONE,
        "alike": Arrangement.ALIKE,
        "pair": chance.choice((Arrangement.BESIDE, Arrangement.BESIDE, Arrangement.ABOVE)),
    }[question.kind]
    return arrange(
        chance,
        size=SIZE,
        background=question.background,
        kinds=question.things,
        arrangement=arrangement,
    )


def _ask(
    chance: Random, kind: str, background: Colour, things: tuple[tuple[Shape, Colour], ...]
) -> Question:
    plain = chance.random() < PLAIN
    blank = Question(prompt="", kind=kind, plain=plain, background=background, things=things)
    prompt = _plain_words(blank) if plain else _varied_words(blank, chance)
    return replace(blank, prompt=prompt)


def _plain_words(question: Question) -> str:
    shape, colour = question.things[0]
    match question.kind:
        case "single":
            said = with_article(f"{colour} {shape}")
        case "alike":
            said = f"{ {2: 'two', 3: 'three'}[len(question.things)] } {colour} {plural(shape)}"
        case _:
            said = " and ".join(with_article(f"{c} {s}") for s, c in question.things)
    return f"{said} on {with_article(question.background)} background"


def _varied_words(question: Question, chance: Random) -> str:
    scene = scene_of(question, chance)
    caption = full_caption(scene, chance)
    while " background" not in caption:
        caption = full_caption(scene, chance)  # it may have left out what is asked for
    return caption


def _in_turn(chance: Random) -> Iterator[tuple[Shape, Colour, Colour]]:
    while True:
        combinations = held_out()
        chance.shuffle(combinations)
        yield from combinations
