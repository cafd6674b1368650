"""The place that is told at acceptance, and that it never costs the acceptance anything."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.in_memory_queue import InMemoryQueueSearch
from shared.kinds import Kind
from shared.paths import IMAGE_TOPIC, QUEUE_DOCUMENT, VIDEO_TOPIC
from shared.ports import Conflict, Snapshot, Unavailable, Written
from shared.queueing import STALE_SECONDS, Load
from shared.status import Status
from shared.usage import Limits
from tests.unit.lifecycle.world import START, ManualClock
from trigger.enqueue import Outcome, enqueue
from trigger.first_place import LOOK_SECONDS, WARNING_SECONDS, FirstPlaces

TIMEOUT_SECONDS = 10.0
LOAD = Load(waiting=3, running=1, workers=1, seconds_per_job=10.0)


class Search(InMemoryQueueSearch):
    """Counts how often it is asked, and fails or hangs on request."""

    def __init__(self, documents: InMemoryDocuments) -> None:
        super().__init__(documents)
        self.asked = 0
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()

    def count(self, status: Status, kind: Kind) -> int:
        self.asked += 1
        assert self.answers.wait(TIMEOUT_SECONDS)
        if self.error:
            raise self.error
        return super().count(status, kind)


class World:
    def __init__(self, documents: InMemoryDocuments | None = None) -> None:
        self.clock = ManualClock()
        self.documents = documents or InMemoryDocuments(self.clock)
        self.search = Search(self.documents)
        self.publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
        self.places = FirstPlaces(
            self.documents, self.search, self.clock, patience_seconds=TIMEOUT_SECONDS
        )
        self.numbers = iter(range(100))

    def measured(self, load: Load = LOAD) -> None:
        fields = {"image": load.to_document(), "video": {}, "updated_at": START}
        self.documents.create(QUEUE_DOCUMENT, fields)

    def accept(
        self, places: FirstPlaces | None = None, outcome: Outcome = Outcome.ACCEPTED, **given: Any
    ) -> dict[str, Any]:
        """The document after its acceptance."""
        path = f"users/ann/generations/g{next(self.numbers)}"
        created = {"input": {"prompt": "x"}, "status": "pending", "created_at": START}
        self.documents.create(path, created)
        ports: dict[str, Any] = {"documents": self.documents, "publisher": self.publisher}
        done = enqueue(path, created, **ports, places=places or self.places, **given)
        assert done is outcome
        snapshot = self.documents.read(path)
        assert snapshot is not None
        return dict(snapshot.data)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.search.answers.set()


def test_who_is_accepted_is_told_how_many_wait_already(world: World) -> None:
    world.measured()
    assert world.accept()["queue"] == {"ahead": 0, "eta_seconds": 5.0}
    # In the same few seconds, without another look.
    assert world.accept()["queue"] == {"ahead": 1, "eta_seconds": 15.0}
    assert world.search.asked == len(Kind)
    world.clock.advance(LOOK_SECONDS)
    assert world.accept()["queue"] == {"ahead": 2, "eta_seconds": 25.0}
    assert world.search.asked == 2 * len(Kind)


@pytest.mark.parametrize("age", [None, STALE_SECONDS + 1], ids=["never", "long ago"])
def test_where_nobody_has_measured_lately_nothing_is_told(world: World, age: float | None) -> None:
    if age is not None:
        world.measured()
        world.clock.advance(age)
    assert "queue" not in world.accept()


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("a bug")])
def test_a_look_that_fails_is_logged_and_nothing_is_told(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.measured()
    world.search.error = error
    assert "queue" not in world.accept()
    assert "cannot tell a first place" in caplog.text


def test_looks_that_fail_are_one_warning_a_minute_however_many_are_accepted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.measured()
    world.search.error = Unavailable("away")
    for _ in range(3):
        world.accept()
    world.clock.advance(WARNING_SECONDS - 1)
    world.accept()  # another look, which fails too
    assert caplog.text.count("cannot tell a first place") == 1
    world.clock.advance(1)
    world.accept()
    assert caplog.text.count("cannot tell a first place") == 2


def test_a_look_that_takes_too_long_is_not_waited_for(world: World) -> None:
    world.measured()
    world.search.answers.clear()
    hasty = FirstPlaces(world.documents, world.search, world.clock, patience_seconds=0.0)
    assert "queue" not in world.accept(hasty)
    assert len(world.publisher.published[IMAGE_TOPIC]) == 1


def test_who_is_not_accepted_takes_nobody_s_place(world: World) -> None:
    world.measured()
    limits = Limits(concurrent=1)
    assert world.accept(limits=limits)["queue"]["ahead"] == 0
    refused = world.accept(outcome=Outcome.OVER_QUOTA, limits=limits)
    assert "queue" not in refused
    assert world.accept()["queue"]["ahead"] == 1


def test_a_decision_that_is_taken_anew_keeps_its_place() -> None:
    class Meddled(InMemoryDocuments):
        meddle = True

        def update(self, path: str, *args: Any, **named: Any) -> Written:
            if self.meddle:
                self.meddle = False
                raise Conflict(path)
            return super().update(path, *args, **named)

    world = World(Meddled(ManualClock()))
    world.measured()
    assert world.accept()["queue"]["ahead"] == 0
    assert world.accept()["queue"]["ahead"] == 1


def test_the_line_is_looked_at_while_the_document_is_read() -> None:
    """The look ends only after the document was read: one after the other would never end."""

    class Slow(InMemoryDocuments):
        def __init__(self) -> None:
            super().__init__(ManualClock())
            self.looking = threading.Event()
            self.read_by_acceptance = threading.Event()

        def read(self, path: str) -> Snapshot | None:
            if path == QUEUE_DOCUMENT and threading.current_thread().name.startswith("places"):
                self.looking.set()
                assert self.read_by_acceptance.wait(TIMEOUT_SECONDS)
            elif path.startswith("users/ann/generations"):
                assert self.looking.wait(TIMEOUT_SECONDS)
                self.read_by_acceptance.set()
            return super().read(path)

    documents = Slow()
    world = World(documents)
    world.measured()
    assert world.accept()["queue"]["ahead"] == 0


def test_a_measurement_s_age_is_judged_by_the_server_s_clock(world: World) -> None:
    documents = InMemoryDocuments(ManualClock())
    late = World(documents)
    late.measured()
    late.clock.advance(STALE_SECONDS * 2)  # this machine's own clock is wrong
    assert late.accept()["queue"]["ahead"] == 0
