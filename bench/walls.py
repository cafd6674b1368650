"""`python -m bench.walls`: figures of the last `make mutants` and `make fuzz`, for the docs.

Measures nothing itself. What has not been run yet keeps its table.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.report import write_section
from tests.fuzz.__main__ import RESULT as MALFORMED
from tests.rules.mutation.__main__ import RESULT as MUTANTS

Rows = list[list[str]]
Figures = Mapping[str, Any]


def rules(figures: Figures) -> Rows:
    """Rows of the deny matrices and of the mutants."""
    matrix = figures["matrix"]
    rows = [
        ["expressions of `firestore.rules` seen true and false", f"{matrix['coverage']:.0%}"],
        ["cells of the two deny matrices", str(matrix["cells"])],
        ["– of them denials", str(matrix["denials"])],
    ]
    for file, made in figures["mutants"].items():
        killed = f"{made['killed']} of {made['made'] - made['equivalent']}"
        rows.append([f"mutants of `{file}` noticed", killed])
        rows.append(["– beside them, changing nothing", str(made["equivalent"])])
    return rows


def malformed(figures: Figures) -> Rows:
    """Rows of what was tried, and of what was good by chance."""
    requests = figures["requests"]
    rows = [
        ["requests through the parser", str(sum(requests.values()))],
        ["– refused in a sentence; good by chance", _pair(requests, "refused", "good by chance")],
    ]
    if "documents" in figures:
        rows += [
            ["documents through the function", str(figures["documents"])],
            ["– failed in a sentence", str(figures["refused by the function"])],
            ["the same, published all the same, through a worker", str(figures["documents"])],
            [
                "– failed in a sentence at the first try; good by chance",
                _pair(figures, "failed by the worker", "good by chance"),
            ],
        ]
    return rows


def _pair(figures: Figures, first: str, second: str) -> str:
    return f"{figures.get(first, 0)}; {figures.get(second, 0)}"


SECTIONS: Mapping[str, tuple[Path, str, Callable[[Figures], Rows]]] = {
    "rules": (MUTANTS, "rules", rules),
    "malformed": (MALFORMED, "malformed input", malformed),
}


def main() -> int:
    found = {name: it for name, it in SECTIONS.items() if it[0].is_file()}
    if not found:
        print("Nothing was measured; `make mutants` and `make fuzz` do.", file=sys.stderr)
        return 1
    for name, (path, title, rows) in found.items():
        write_section(name, [title, ""], rows(json.loads(path.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
