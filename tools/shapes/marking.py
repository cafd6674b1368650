"""Marks drawn pictures against their questions: five criteria, in shares of the questions."""

from dataclasses import dataclass

from tools.shapes.exam import Question
from tools.shapes.judge import Pixels, Seen, agrees, read_picture

CRITERIA = ("background", "colour", "shape", "count", "all")
#: What issue 3 wants of the embedded model.
GOALS = {"background": 0.995, "colour": 0.99, "shape": 0.97, "count": 0.98, "all": 0.95}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    question: Question
    seen: Seen
    #: By the names of `CRITERIA`.
    right: dict[str, bool]


def mark(question: Question, pixels: Pixels) -> Mark:
    """Colours and shapes count as right when they are those asked for, as often as asked for."""
    seen = read_picture(pixels)
    right = {
        "background": seen.background == question.background,
        "colour": sorted(it.colour for it in seen.things)
        == sorted(colour for _, colour in question.things),
        "shape": sorted(it.shape for it in seen.things)
        == sorted(shape for shape, _ in question.things),
        "count": len(seen.things) == len(question.things),
    }
    right["all"] = right["background"] and agrees(seen, question.things)
    return Mark(question=question, seen=seen, right=right)


def shares(marks: list[Mark]) -> dict[str, float]:
    """Share of right answers by criterion."""
    return {
        criterion: sum(it.right[criterion] for it in marks) / len(marks) for criterion in CRITERIA
    }


def by_kind(marks: list[Mark]) -> dict[str, dict[str, float]]:
    """The shares of every kind of question, and of every kind of wording."""
    groups: dict[str, list[Mark]] = {}
    for it in marks:
        groups.setdefault(it.question.kind, []).append(it)
        groups.setdefault("plain words" if it.question.plain else "varied words", []).append(it)
    return {name: shares(group) for name, group in sorted(groups.items())}


def describe(seen: Seen) -> str:
    """In words, for the list of misses."""
    things = ", ".join(f"{it.colour} {it.shape}" for it in seen.things) or "nothing"
    return f"{things} on {seen.background}"
