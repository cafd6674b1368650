"""The prompts that a film model is judged by, each with what must be seen, and the marks.

Every prompt asks for a (shape, colour, background) that training never showed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tools.shapes_video.captions import full_caption, plain_caption
from tools.shapes_video.clip import SIZES, Clip
from tools.shapes_video.judge import SeenFilm
from tools.shapes_video.sampling import draw_clip

#: What is marked; the goals are those of the project.
CRITERIA = ("background", "colour", "shape", "motion", "all")
GOALS = {"colour": 0.95, "motion": 0.9}
#: Share of the questions in plain words.
PLAIN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    prompt: str
    clip: Clip
    plain: bool


def set_exam(count: int, seed: int = 0) -> list[Question]:
    """`count` questions, landscape and portrait in turn, the same for the same seed."""
    chance = Random(f"films {seed}")  # noqa: S311 - wants to be repeatable
    questions = []
    for index in range(count):
        clip = draw_clip(chance, SIZES[index % len(SIZES)], held_out=True)
        plain = chance.random() < PLAIN
        prompt = plain_caption(clip) if plain else _full(clip, chance)
        questions.append(Question(prompt=prompt, clip=clip, plain=plain))
    return questions


def mark(question: Question, seen: SeenFilm) -> dict[str, bool]:
    """Which of the criteria `seen` fulfils."""
    clip = question.clip
    right = {
        "background": seen.background is clip.background,
        "colour": seen.colour is clip.colour,
        "shape": seen.shape is clip.shape,
        "motion": seen.motion is clip.motion,
    }
    return {**right, "all": all(right.values())}


def shares(marks: Sequence[Mapping[str, bool]]) -> dict[str, float]:
    """Of the marks, how many fulfil each criterion, 0…1."""
    return {it: sum(one[it] for one in marks) / max(1, len(marks)) for it in CRITERIA}


def _full(clip: Clip, chance: Random) -> str:
    """In all the words that captions know, nothing left out."""
    caption = full_caption(clip, chance)
    while " background" not in caption:
        caption = full_caption(clip, chance)
    return caption
