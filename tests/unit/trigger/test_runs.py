"""What a scheduled run leaves in the log, and that none of its parts stops another."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from shared.kinds import Kind
from shared.queueing import Load
from trigger import main, wiring
from trigger.collect import Collected
from trigger.overdue_notices import Telling
from trigger.queue_places import Placed
from trigger.reconcile import Reconciled
from trigger.sweep import Swept

SECRET = "a red circle that nobody may log"

#: What the platform's wrapper calls.
run: Callable[[None], None] = vars(main.sweep)["__wrapped__"]


def fail() -> NoReturn:
    raise ValueError(SECRET)


def done(result: object) -> Callable[[], Callable[[], object]]:
    return lambda: lambda: result


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(record.message, vars(record)["fields"]) for record in caplog.records]


@pytest.fixture(autouse=True)
def good(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    swept = Swept(counts=Counter(republished=3), faults=["queued"])
    monkeypatch.setattr(wiring, "sweep", done(swept))
    monkeypatch.setattr(wiring, "collect", done(Collected(removed=2, finished=True)))
    placed = Placed(loads={Kind.IMAGE: Load(waiting=7)}, told=4, faults=["x"])
    monkeypatch.setattr(wiring, "tell_places", done(placed))
    monkeypatch.setattr(wiring, "reconcile_all", done(Reconciled(released=1, faults=["x"])))


def test_a_run_says_what_it_did(caplog: pytest.LogCaptureFixture) -> None:
    run(None)
    (sweep, swept), (queue, placed), (collect, collected), (reconcile, reconciled) = told(caplog)
    assert (sweep, swept["republished"], swept["faults"]) == ("sweep", 3, 1)
    assert (queue, placed["waiting_image"], placed["told"]) == ("queue", 7, 4)
    assert (collect, collected["removed"]) == ("collect", 2)
    assert (reconcile, reconciled["released"], reconciled["faults"]) == ("reconcile", 1, 1)


@pytest.mark.parametrize("broken", ["sweep", "queue", "collect", "reconcile"])
def test_one_part_that_fails_stops_none_of_the_others_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    wired = {"reconcile": "reconcile_all", "queue": "tell_places"}.get(broken, broken)
    monkeypatch.setattr(wiring, wired, lambda: fail)
    with pytest.raises(RuntimeError) as caught:
        run(None)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    lines = dict(told(caplog))
    assert set(lines) == {"sweep", "queue", "collect", "reconcile"}
    assert lines[broken]["error"] == "ValueError"
    assert lines[broken]["where"].startswith("test_runs.py:")
    assert SECRET not in str(caught.value) + str(lines) + caplog.text


def test_where_devices_are_told_a_run_tells_what_no_event_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run(None)
    assert "notify" not in dict(told(caplog))
    caplog.clear()
    monkeypatch.setattr(main, "NOTIFIES", True)
    overdue = Telling(counts=Counter(told=2, postponed=1), faults=["x"])
    monkeypatch.setattr(wiring, "tell_overdue", done(overdue))
    run(None)
    line = dict(told(caplog))["notify"]
    assert (line["told"], line["postponed"], line["faults"]) == (2, 1, 1)
