"""A whole sweep on in-memory ports: what it finds, how far it goes, what stops it and what not."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC
from shared.ports import Beside, Changes, Found, Overdue, Snapshot, Unavailable, Written
from shared.sweeping import PENDING_SECONDS, QUEUED_SECONDS, Patience
from tests.unit.lifecycle.world import ManualClock
from tests.unit.trigger.meddling import FailingPublisher
from tests.unit.trigger.sweeping import SECRET, Deployment, pending, processing, queued
from trigger.sweep import PAGE_DOCUMENTS, RUN_SECONDS, Swept


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_everything_that_nobody_works_on_comes_home_in_one_run(deployment: Deployment) -> None:
    deployment.put(
        lost_event=pending(),
        lost_message=queued(),
        lost_worker=processing(60),
        exhausted=processing(60, attempt=3),
        unwanted=queued(0, cancel_requested=True),
        unwanted_and_unseen={**pending(0), "cancel_requested": True},
        wrong={**pending(), "input": {"promt": "x"}},
    )
    swept = deployment.sweep()
    assert deployment.statuses() == {
        "lost_event": "queued",
        "lost_message": "queued",
        "lost_worker": "queued",
        "exhausted": "failed",
        "unwanted": "cancelled",
        "unwanted_and_unseen": "cancelled",
        "wrong": "failed",
    }
    assert deployment.published() == ["lost_event", "lost_message", "lost_worker"]
    assert swept.counts == {
        "accepted": 1,
        "republished": 1,
        "rescued": 1,
        "failed": 1,
        "refused": 1,
        "cancelled": 2,
    }
    assert swept.faults == []


def test_a_second_run_right_after_finds_nothing_to_do(deployment: Deployment) -> None:
    deployment.put(lost_event=pending(), lost_message=queued(), lost_worker=processing(60))
    deployment.sweep()
    before = deployment.published()
    assert deployment.sweep() == Swept()
    assert deployment.published() == before


def test_what_is_young_held_or_ended_is_not_touched(deployment: Deployment) -> None:
    documents = {
        "just_created": pending(PENDING_SECONDS - 1),
        "just_queued": queued(QUEUED_SECONDS - 1),
        "held": processing(-20),
        "held_and_unwanted": processing(-20, cancel_requested=True),
        "done": {**queued(), "status": "completed", "cancel_requested": True},
    }
    deployment.put(**documents)
    assert deployment.sweep() == Swept()
    assert deployment.published() == []
    for name, fields in documents.items():
        snapshot = deployment.documents.read(f"users/ann/generations/{name}")
        assert snapshot is not None
        assert snapshot.data == fields


class CountingDocuments(InMemoryDocuments):
    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.asked: list[Overdue] = []
        self.reads = 0

    def overdue(
        self, what: Overdue, *, before: datetime, limit: int, after: Found | None = None
    ) -> Sequence[Found]:
        self.asked.append(what)
        return super().overdue(what, before=before, limit=limit, after=after)

    def read(self, path: str) -> Snapshot | None:
        self.reads += 1
        return super().read(path)


def test_a_run_without_anything_wrong_asks_four_questions_and_reads_nothing() -> None:
    documents = CountingDocuments()
    deployment = Deployment(documents)
    deployment.put(**{f"held{n}": processing(-20) for n in range(500)})
    deployment.put(**{f"waiting{n}": queued(5) for n in range(500)})
    assert deployment.sweep() == Swept()
    assert documents.asked == list(Overdue)
    assert documents.reads == 0


def test_more_than_a_page_of_documents_is_swept_in_one_run(deployment: Deployment) -> None:
    names = [f"g{n}" for n in range(2 * PAGE_DOCUMENTS + 3)]
    deployment.put(**{name: queued() for name in names})
    assert deployment.sweep().counts == {"republished": len(names)}
    assert deployment.published() == sorted(names)


def test_documents_that_cannot_be_settled_do_not_hold_up_those_behind_them(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    # There is no topic for films in this deployment.
    deployment.publisher = InMemoryPublisher((IMAGE_TOPIC,))
    film = {"input": {"task_type": "text2video", "prompt": SECRET}}
    films = {f"film{n}": queued(QUEUED_SECONDS + 1, **film) for n in range(PAGE_DOCUMENTS + 1)}
    deployment.put(**films, picture=queued())
    with caplog.at_level(logging.INFO):
        swept = deployment.sweep()
    assert swept.counts == {"republished": 1}
    assert swept.faults == [f"users/ann/generations/{name}" for name in sorted(films)]
    assert deployment.published() == ["picture"]
    told = [vars(record)["fields"] for record in caplog.records]
    assert {fields["error"] for fields in told if "error" in fields} == {"Missing"}
    assert SECRET not in str(told)


def test_pubsub_being_away_stops_no_end_that_needs_no_message(deployment: Deployment) -> None:
    deployment.put(
        lost_event=pending(), lost_message=queued(), unwanted=queued(0, cancel_requested=True)
    )
    swept = deployment.sweep(publisher=FailingPublisher(()))
    assert swept.counts == {"cancelled": 1}
    assert swept.faults == ["pending", "queued"]
    # Marked, and its message did not come through: it is overdue as any other without a message.
    assert deployment.statuses()["lost_event"] == "queued"
    assert deployment.sweep().counts == {"republished": 1}
    deployment.clock.advance(QUEUED_SECONDS)
    assert deployment.sweep().counts["republished"] >= 1
    assert "lost_event" in deployment.published()


class AbsentDocuments(InMemoryDocuments):
    def overdue(
        self, what: Overdue, *, before: datetime, limit: int, after: Found | None = None
    ) -> Sequence[Found]:
        raise Unavailable("Firestore is away")


def test_firestore_being_away_is_a_fault_of_every_kind_and_raises_nothing() -> None:
    assert Deployment(AbsentDocuments()).sweep().faults == [what.value for what in Overdue]


class SlowDocuments(InMemoryDocuments):
    """Each write takes a second."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.clock = clock

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        self.clock.advance(1.0)
        return super().update(path, changes, expected=expected, beside=beside)


def test_a_run_ends_in_time_and_the_next_one_goes_on() -> None:
    clock = ManualClock()
    deployment = Deployment(SlowDocuments(clock))
    deployment.clock = clock
    deployment.put(**{f"g{n}": queued() for n in range(int(RUN_SECONDS) + 5)})
    assert deployment.sweep().counts == {"republished": RUN_SECONDS}
    assert deployment.sweep().counts == {"republished": 5}


def test_many_of_one_kind_leave_time_for_the_others() -> None:
    clock = ManualClock()
    deployment = Deployment(SlowDocuments(clock))
    deployment.clock = clock
    lost_events = {f"g{n}": pending() for n in range(2 * int(RUN_SECONDS))}
    deployment.put(**lost_events, lost_message=queued())
    assert deployment.sweep().counts["republished"] == 1
    assert "lost_message" in deployment.published()


@pytest.mark.parametrize("fields", [pending(), queued(), processing(60)])
def test_another_collection_of_the_same_name_is_not_touched(
    deployment: Deployment, fields: dict[str, Any]
) -> None:
    elsewhere = "teams/red/generations/g1"
    deployment.documents.create(elsewhere, fields)
    assert deployment.sweep() == Swept()
    snapshot = deployment.documents.read(elsewhere)
    assert snapshot is not None
    assert snapshot.data == fields


@pytest.fixture(params=[timedelta(hours=-2), timedelta(hours=2)], ids=["behind", "ahead"])
def wrong_clock(request: pytest.FixtureRequest) -> ManualClock:
    clock = ManualClock()
    clock.advance(request.param.total_seconds())
    return clock


def test_a_wrong_clock_of_the_function_s_does_no_harm(
    deployment: Deployment, wrong_clock: ManualClock
) -> None:
    deployment.put(held=processing(-20), waiting=queued(5), just_created=pending(5))
    swept = deployment.sweep(clock=wrong_clock)
    # A document is accepted early, which a second event would do as well.
    assert set(swept.counts) <= {"accepted"}
    statuses = deployment.statuses()
    assert (statuses["held"], statuses["waiting"]) == ("processing", "queued")


def test_patience_is_the_caller_s_to_choose(deployment: Deployment) -> None:
    deployment.put(waiting=queued(5), lapsed=processing(1), just_created=pending(1))
    little = Patience(pending=1, queued=5, lapsed=1, max_queued=5)
    swept = deployment.sweep(patience=little)
    assert swept.counts == {"accepted": 1, "republished": 1, "rescued": 1}
