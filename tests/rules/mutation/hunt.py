"""Hunts mutants with the cells of a matrix, until the first cell whose verdict a mutant changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic

from tests.rules.matrix.document_desk import RulesRefused
from tests.rules.matrix.trial import C, Desk, first_difference
from tests.rules.mutation.mutants import Mutant


@dataclass
class Hunt:
    """What became of the mutants of one file."""

    #: Name → the cell that told it from the file.
    killed: dict[str, str] = field(default_factory=dict)
    survived: list[str] = field(default_factory=list)
    #: The compiler took them for what they are.
    refused: list[str] = field(default_factory=list)

    @property
    def made(self) -> int:
        """Those that compile."""
        return len(self.killed) + len(self.survived)

    def mistakes(self, equivalent: Mapping[str, str]) -> list[str]:
        """Sentences: mutants nobody noticed, and reasons given for what is no survivor."""
        return [
            *(f"Nobody noticed {name}" for name in self.survived if name not in equivalent),
            *(
                f"It is said to change nothing, but {self.killed[name]!r} noticed {name}"
                for name in equivalent
                if name in self.killed
            ),
        ]


class Hunter(Generic[C]):
    """Looks for the cell that tells a mutant from the file that it was made of."""

    def __init__(self, desk: Desk[C], load: Callable[[str], None], cases: Iterable[C]) -> None:
        """`load` puts rules before `desk`; raises `RulesRefused`."""
        self._desk = desk
        self._load = load
        self._order = list(cases)

    def killer(self, mutant: Mutant) -> C | None:
        """None: no cell does. Raises `RulesRefused` where the compiler notices."""
        self._load(mutant.rules)
        found = first_difference(self._desk, self._order)
        if found is not None:
            # What noticed one is likely to notice its neighbours.
            self._order.remove(found)
            self._order.insert(0, found)
        return found


def hunt(
    mutants: Iterable[Mutant], hunter: Hunter[C], say: Callable[[str], None] = lambda _: None
) -> Hunt:
    """All of them; `say` is told of each that survived."""
    found = Hunt()
    for mutant in mutants:
        try:
            killer = hunter.killer(mutant)
        except RulesRefused:
            found.refused.append(mutant.name)
            continue
        if killer is None:
            found.survived.append(mutant.name)
            say(f"survived: {mutant.name}")
        else:
            found.killed[mutant.name] = killer.name
    return found
