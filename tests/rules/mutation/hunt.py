"""Hunts mutants with the cells of a matrix, until the first cell whose verdict a mutant changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


def hunt(
    mutants: Iterable[Mutant],
    desk: Desk[C],
    load: Callable[[str], None],
    cases: Sequence[C],
    say: Callable[[str], None] = lambda _: None,
) -> Hunt:
    """`load` puts rules before `desk`; raises `RulesRefused`."""
    found, order = Hunt(), list(cases)
    for mutant in mutants:
        try:
            load(mutant.rules)
        except RulesRefused:
            found.refused.append(mutant.name)
            continue
        killer = first_difference(desk, order)
        if killer is None:
            found.survived.append(mutant.name)
            say(f"SURVIVED {mutant.name}")
            continue
        found.killed[mutant.name] = killer.name
        # What noticed one is likely to notice its neighbours.
        order.remove(killer)
        order.insert(0, killer)
    return found
