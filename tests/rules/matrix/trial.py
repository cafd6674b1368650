"""Cells of a matrix tried at a desk: all of them, or until the first that goes wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

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


def try_all(desk: Desk[C], cases: Iterable[C]) -> Mapping[str, Trial]:
    """By the cells' names."""
    trials = {}
    for case in cases:
        allowed = desk.allows(case)
        trials[case.name] = Trial(allowed, clean=allowed or desk.untouched(case))
    return trials


def first_difference(desk: Desk[C], cases: Iterable[C]) -> C | None:
    """The first cell whose verdict is not the one that it says."""
    return next((case for case in cases if desk.allows(case) is not case.allowed), None)
