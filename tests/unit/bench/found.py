"""A benchmark that is over at once."""

from collections.abc import Sequence

from bench.outcome import Outcome


def measure() -> Sequence[Outcome]:
    return [
        Outcome(
            name="B7",
            timed="nothing",
            value=1.0,
            floor=None,
            peer=None,
            unit="s",
            goal="≤ 1 s",
            met=True,
            samples={"ours": [1.0]},
        )
    ]
