"""What a benchmark of `make bench` found: one row of bench/results.json and of the docs' table.

Every figure stands beside a floor, and where there is one a peer, that were measured in the same
run, sample by sample in turn: these machines are noisy, so ratios count.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "bench/results.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One benchmark, as `measure()` of its module returns it. Numbers in `unit`."""

    #: `B1` … `B8`; with a letter after it where one of them has several figures (`B1a`).
    name: str
    #: What was timed, in a few words.
    timed: str
    #: A median, unless `timed` says otherwise.
    value: float
    #: None: there is none.
    floor: float | None
    #: None: there is none.
    peer: float | None
    unit: str
    #: As the docs' table has it: `≤ 1.05 × floor`.
    goal: str
    met: bool
    #: Measured one after the other, in the order of their taking.
    samples: Mapping[str, Sequence[float]]
    #: What else was seen: ratios, counts.
    more: Mapping[str, float] = field(default_factory=dict[str, float])


#: What a benchmark's module offers.
Measure = Callable[[], Sequence[Outcome]]


def save(outcomes: Sequence[Outcome], file: Path = RESULTS) -> None:
    """Put `outcomes` in the places of those of the same names; the others stay."""
    known = json.loads(file.read_text()) if file.exists() else {}
    for outcome in outcomes:
        fields = asdict(outcome)
        known[fields.pop("name")] = fields
    file.write_text(json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False) + "\n")
