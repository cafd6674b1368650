"""Reads the emulator's coverage report: which expressions were never seen true or false.

A report is a forest of expressions, each with its place and every value that it took. One is
logical if it ever was a truth value; every logical one has to have been both, every other one to
have been evaluated at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Expression:
    line: int
    column: int
    text: str
    #: Truth values that it took.
    seen: frozenset[bool]
    #: Whether it took any value at all.
    evaluated: bool

    @property
    def missing(self) -> Sequence[str]:
        if not self.evaluated:
            return ["to have any value"]
        if not self.seen:
            return []
        return [str(it).lower() for it in (True, False) if it not in self.seen]

    def __str__(self) -> str:
        return f"{self.line}:{self.column} `{self.text}`"


def expressions(coverage: Mapping[str, Any]) -> list[Expression]:
    """Every expression of the one file of rules that `coverage` is about, in its order."""
    (file,) = coverage["rules"]["files"]
    found = {one for node in coverage["report"] for one in _expressions(node, file["content"])}
    return sorted(found, key=lambda it: (it.line, it.column, it.text))


def gaps(found: Sequence[Expression]) -> list[str]:
    """A sentence for each value that was never seen."""
    return [
        f"firestore.rules:{one} was never seen {value}." for one in found for value in one.missing
    ]


def share(found: Sequence[Expression]) -> float:
    """Of all values that the expressions can take, how many were seen, 0 … 1."""
    can = sum(2 if one.seen else 1 for one in found)
    return 1 - len(gaps(found)) / can


def _expressions(node: Mapping[str, Any], content: str) -> Iterator[Expression]:
    values = [it["value"] for it in node.get("values", [])]
    place = node["sourcePosition"]
    # The last character is part of it.
    text = content.encode()[place["currentOffset"] : place["endOffset"] + 1].decode()
    yield Expression(
        line=place["line"],
        column=place["column"],
        # What ends in brackets is reported without the last one.
        text=" ".join(text.split()) + ")" * (text.count("(") - text.count(")")),
        seen=frozenset(it["boolValue"] for it in values if "boolValue" in it),
        # Nothing: it was passed over; undefined: it was an error.
        evaluated=any(it and "undefined" not in it for it in values),
    )
    for child in node.get("children", []):
        yield from _expressions(child, content)
