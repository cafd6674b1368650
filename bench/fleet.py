"""`python -m bench.fleet [--seed N]`: how long people wait and what a picture costs, on paper.

A discrete-event simulation of arrivals against fleets, fed with `bench.fleet_inputs`; the same seed
prints the same. Little's law is checked on every run. Takes some minutes; writes the tables into
docs/figures.md and all of it into build/fleet.json.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from bench import fleet_inputs, fleet_limits
from bench.fleet_arrivals import POISSON
from bench.fleet_plans import (
    FILM_RATES,
    FILMS,
    OTHER_WAYS,
    PATTERNS,
    PICTURES,
    RATES,
    WAYS,
    engine_plans,
    plan,
    quota_plans,
)
from bench.fleet_runs import Figures, Plan, figures_of
from bench.report import write_section
from tools.stack.names import BUILD

RESULT = BUILD / "fleet.json"
SEED = 20261123
HEADER = ("wait p50", "wait p95", "most workers", "GPUs in use", "$ per 1000")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.fleet", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    seed: int = parser.parse_args(arguments).seed
    results: dict[str, Any] = {"seed": seed, "inputs": [asdict(it) for it in fleet_inputs.INPUTS]}

    def tell(section: str, header: Sequence[str], named: Iterable[tuple[str, Plan]]) -> None:
        rows = []
        for name, one in named:
            figures = figures_of(one, seed)
            results[one.name] = figures.to_json()
            rows.append([*name.split(" | "), *row(figures)])
        write_section(section, [*header, *HEADER], rows, how="Simulated")

    write_section(
        "fleet-inputs", ["input", "value", "", "source"], fleet_inputs.rows(), how="Written"
    )
    for pattern in PATTERNS:
        tell(
            f"fleet-{pattern.name.lower()}",
            ["pictures a minute", "scaling"],
            (
                (f"{rate} | {way.name}", plan(PICTURES, way, pattern, rate))
                for rate in RATES
                for way in WAYS
            ),
        )
    tell(
        "fleet-films",
        ["films a minute", "scaling"],
        (
            (f"{rate} | {way.name}", plan(FILMS, way, POISSON, rate))
            for rate in FILM_RATES
            for way in OTHER_WAYS
        ),
    )
    tell("fleet-quota", ["coming", "scaling", "at most"], quota_plans())
    tell("fleet-engines", ["20 workers with"], engine_plans())
    results["limits"] = fleet_limits.write()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


def row(figures: Figures) -> list[str]:
    return [
        f"{figures.wait_p50:.1f} s",
        f"{figures.wait_p95:.1f} s",
        str(figures.most_workers),
        f"{figures.use:.0%}",
        f"{figures.cost_a_job * 1000:.2f}",
    ]


if __name__ == "__main__":
    main()
