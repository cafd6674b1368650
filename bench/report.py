"""Writes a measured table into docs/figures.md between its markers, with the machine it ran on."""

import os
import platform
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

FIGURES = Path(__file__).resolve().parents[1] / "docs/figures.md"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 … 1) of at least two `values` lie, interpolated."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def write_section(
    name: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, how: str = "Measured"
) -> None:
    """Replace the section `name` of the figures page by a Markdown table of `rows`; `how` they came
    about is said below it."""
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    cores = os.cpu_count()
    lines.append(f"\n{how} {when} on {cores} cores, Python {platform.python_version()}.")
    table = "\n".join(lines)
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = FIGURES.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"docs/figures.md has no section {begin} … {end}")
    FIGURES.write_text(pattern.sub(lambda _: f"{begin}\n{table}\n{end}", page))
    print(table)
