"""Cells of a matrix tried at a desk: each once, or until the first that goes wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tests.rules.matrix.case import Case

C = TypeVar("C", bound=Case[Any])
C_contra = TypeVar("C_contra", bound=Case[Any], contravariant=True)


class Desk(Protocol[C_contra]):
    """Where cells are tried, under the rules that it was given."""

    def allows(self, case: C_contra) -> bool:
        """Try it."""

    def untouched(self, case: C_contra) -> bool:
        """Whether what the cell tried last was about is as it was before."""


@dataclass(frozen=True)
class Trial:
    allowed: bool
    #: False: denied, and changed all the same.
    clean: bool


class Trials(Generic[C]):
    """Tries a cell when it is first asked for; which others were tried does not matter."""

    def __init__(self, desk: Desk[C]) -> None:
        self._desk = desk
        self._done: dict[str, Trial] = {}

    def of(self, case: C) -> Trial:
        if case.name not in self._done:
            allowed = self._desk.allows(case)
            clean = allowed or self._desk.untouched(case)
            self._done[case.name] = Trial(allowed, clean)
        return self._done[case.name]


def first_difference(desk: Desk[C], cases: Iterable[C]) -> C | None:
    """The first cell whose verdict is not the one that it says."""
    return next((case for case in cases if desk.allows(case) is not case.allowed), None)
