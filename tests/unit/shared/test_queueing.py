"""Places in a line, and what one reads of workers for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.kinds import Kind, kind_of
from shared.presence import WorkerReport, WorkerState, load_of
from shared.public_document import Queue
from shared.queueing import MAX_ETA_SECONDS, Load
from shared.request import TaskType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("workers", "running", "ahead", "eta"),
    [
        (1, 0, 0, 0.0),  # begun at once
        (1, 1, 0, 5.0),  # half of the running one is left
        (1, 1, 3, 35.0),
        (1, 0, 5, 50.0),  # the first of the five is begun now, and is whole
        (2, 1, 1, 5.0),  # the one who is free takes the other; the running one ends first
        (2, 1, 2, 10.0),  # and then the one that was begun now
        (2, 1, 3, 15.0),
        (4, 0, 7, 10.0),  # four are begun now, and four end together
        (4, 2, 1, 0.0),  # there is a second one who is free
        (4, 4, 7, 18.8),  # four at a time
        (0, 3, 5, 18.3),  # serverless: nobody says that he is there, and three work
    ],
)
def test_the_wait_is_that_of_one_line_and_as_many_servers_as_workers(
    workers: int, running: int, ahead: int, eta: float
) -> None:
    load = Load(workers=workers, running=running, seconds_per_job=10.0)
    assert load.place(ahead) == {"ahead": ahead, "eta_seconds": eta}


def test_the_wait_grows_with_every_one_ahead_and_is_never_shown_beyond_a_day() -> None:
    load = Load(workers=3, running=3, seconds_per_job=100.0)
    waits = [load.place(ahead)["eta_seconds"] for ahead in range(10_000)]
    assert waits == sorted(waits)
    assert waits[0] > 0
    assert waits[-1] == MAX_ETA_SECONDS


@pytest.mark.parametrize(
    "load", [Load(workers=1), Load(seconds_per_job=3.0)], ids=["no speed known", "nobody there"]
)
def test_what_nobody_can_know_is_left_out(load: Load) -> None:
    place = load.place(4)
    assert place == {"ahead": 4}
    assert Queue.model_validate(place).eta_seconds is None


def test_a_load_is_read_as_it_was_written() -> None:
    load = Load(waiting=3, running=2, workers=1, seconds_per_job=4.5, oldest=NOW)
    assert Load.from_document(load.to_document()) == load


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "x",
        {"waiting": -1, "running": True, "workers": 10**12, "oldest": "today"},
        {"seconds_per_job": float("nan")},
        {"seconds_per_job": float("inf")},
        {"seconds_per_job": 0},
        {"seconds_per_job": -3.0},
        {"seconds_per_job": 10**400},
        {"seconds_per_job": True},
    ],
)
def test_junk_in_a_load_counts_as_nothing_known(raw: object) -> None:
    assert Load.from_document(raw) == Load()


def report(**fields: Any) -> dict[str, Any]:
    said = WorkerReport(
        state=WorkerState.READY,
        kinds=(Kind.IMAGE,),
        intake="pull",
        version="1",
        started_at=NOW,
        seconds_per_job={Kind.IMAGE: 4.0},
    )
    return {**said.to_document(NOW), "updated_at": NOW, **fields}


def of_images(*reports: dict[str, Any]) -> tuple[int, float | None]:
    return load_of(Kind.IMAGE, reports, alive_since=NOW - timedelta(seconds=100))


def test_workers_count_that_are_alive_and_take_the_kind() -> None:
    gone = NOW - timedelta(seconds=101)
    assert of_images(report(), report(state="busy")) == (2, 4.0)
    assert of_images(report(kinds=["video"])) == (0, None)
    assert of_images(report(state="starting"), report(state="draining")) == (0, 4.0)
    assert of_images(report(updated_at=gone)) == (0, 4.0)


def test_the_speed_is_the_mean_of_the_workers_that_did_any() -> None:
    slow = report(seconds_per_job={"image": 8.0, "video": 100.0})
    assert of_images(report(), slow, report(seconds_per_job={})) == (3, 6.0)


@pytest.mark.parametrize(
    "junk",
    [
        {"kinds": None},
        {"kinds": "image"},
        {"updated_at": None, "seconds_per_job": 5},
        {"updated_at": "now", "seconds_per_job": {"image": "fast"}},
        {"state": ["ready"], "seconds_per_job": {"image": -1}},
    ],
)
def test_junk_in_a_worker_s_document_is_passed_over(junk: dict[str, Any]) -> None:
    assert of_images(report(**junk)) == (0, None)


def test_every_task_is_of_a_kind() -> None:
    assert {task for task in TaskType if kind_of(task) is Kind.VIDEO} == {TaskType.TEXT2VIDEO}
