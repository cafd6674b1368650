"""One thing that is broken, and the judgement of what came of it: a run is a list of these."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.stage import Chaos


class NotHere(Exception):
    """This machine lacks what the act needs; the text says what, and what brings it."""


@dataclass(frozen=True, kw_only=True)
class Act:
    #: Acts of one kind are alike; a short run plays some of each.
    kind: str
    #: Unique in a run; everything that was drawn for the act is in it.
    name: str
    play: Callable[[Chaos], None]
    #: What it may need once it has begun.
    seconds: float = 100.0
    #: Played before in this run, with other parameters.
    again: bool = False
