"""The ledger finds nothing where all fits, and each thing that does not."""

from typing import Any

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.ledger import drift
from tests.chaos.oracle import Kind, judge
from tests.chaos.report import Report

USAGE = "users/ada/account/usage"
DAY = "2026-11-23"


def charged(status: str, state: str, amount: int = 10, day: str = DAY) -> dict[str, Any]:
    return {"status": status, "charge": {"credits": amount, "day": day, "state": state}}


GENERATIONS = {
    "users/ada/generations/waits": charged("queued", "reserved", 3),
    "users/ada/generations/runs": charged("processing", "reserved", day="2026-11-22"),
    "users/ada/generations/done": charged("completed", "spent", 20),
    "users/ada/generations/failed": charged("failed", "refunded", 500),
    "users/ada/generations/refused": {"status": "failed"},
    "users/ada/generations/new": {"status": "pending"},
}
FITTING: dict[str, Any] = {
    "spent": {DAY: 23, "2026-11-22": 10, "2026-11-21": 0},
    "reserved": {
        "waits": {"credits": 3, "day": DAY},
        "runs": {"credits": 10, "day": "2026-11-22"},
    },
}


def test_usage_that_fits_has_no_drift() -> None:
    assert drift({USAGE: FITTING}, GENERATIONS) == []
    assert drift({}, {"users/ada/generations/new": {"status": "pending"}}) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"spent": {DAY: 22, "2026-11-22": 10}},
        {"spent": {DAY: 33}},
        {"spent": {**FITTING["spent"], "2026-11-20": 1}},
        {"reserved": {}},
        {"reserved": {**FITTING["reserved"], "done": {"credits": 20, "day": DAY}}},
        {"reserved": {**FITTING["reserved"], "waits": {"credits": 4, "day": DAY}}},
    ],
)
def test_every_difference_is_drift(changed: dict[str, Any]) -> None:
    assert len(drift({USAGE: {**FITTING, **changed}}, GENERATIONS)) == 1


def test_days_that_usage_has_forgotten_are_no_drift() -> None:
    long_ago = {"users/ada/generations/old": charged("completed", "spent", day="2026-11-16")}
    assert drift({USAGE: FITTING}, {**GENERATIONS, **long_ago}) == []
    a_week = {"users/ada/generations/old": charged("completed", "spent", day="2026-11-17")}
    assert len(drift({USAGE: FITTING}, {**GENERATIONS, **a_week})) == 1


def test_credits_of_somebody_without_usage_are_drift() -> None:
    assert len(drift({}, {"users/bob/generations/g1": charged("queued", "reserved")})) == 2


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("failed", "spent"),
        ("completed", "refunded"),
        ("completed", "reserved"),
        ("queued", "spent"),
    ],
)
def test_a_charge_that_does_not_fit_the_status_is_drift(status: str, state: str) -> None:
    found = drift(
        {USAGE: FITTING}, {**GENERATIONS, "users/ada/generations/x": charged(status, state)}
    )
    assert f"users/ada/generations/x is {status}, and its charge is {state}" in found


def test_drift_is_a_promise_broken_and_a_figure_of_the_run() -> None:
    found = judge(Evidence(states={}, final={}, quota_drift=["10 too many"]))
    assert [it.kind for it in found] == [Kind.QUOTA]
    report = Report(seed=1)
    report.judged("an act", 3, found, charges=3)
    assert not report.clean
    assert "quota drift 1, of 3 charges" in report.in_words()
