"""The minute's look at the lines: what it measures, whom it tells, and what it lets be."""

from datetime import timedelta
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.in_memory_queue import InMemoryQueueSearch
from shared.kinds import Kind
from shared.paths import QUEUE_DOCUMENT, worker_document
from shared.ports import Conflict, Rejected, Unavailable, Written
from tests.unit.lifecycle.world import START, ManualClock
from trigger.queue_places import MAX_PLACES, RUN_SECONDS, Placed, tell_places


class World:
    def __init__(self, documents: InMemoryDocuments | None = None) -> None:
        self.clock = ManualClock()
        self.documents = documents or InMemoryDocuments(self.clock)
        self.search = InMemoryQueueSearch(self.documents)

    def wait(self, name: str, age: float = 0.0, **fields: Any) -> str:
        path = f"users/ann/generations/{name}"
        waiting = {"input": {}, "status": "queued", "kind": "image"}
        created_at = START - timedelta(seconds=age)
        self.documents.create(path, {**waiting, "created_at": created_at, **fields})
        return path

    def work(self, name: str = "w", **fields: Any) -> None:
        said = {"state": "busy", "kinds": ["image"], "updated_at": START}
        speed = {"seconds_per_job": {"image": 10.0}}
        self.documents.create(worker_document(name), {**said, **speed, **fields})

    def tell(self) -> Placed:
        return tell_places(documents=self.documents, search=self.search, clock=self.clock)

    def read(self, path: str) -> dict[str, Any]:
        snapshot = self.documents.read(path)
        assert snapshot is not None
        return dict(snapshot.data)

    def place(self, path: str) -> Any:
        return self.read(path).get("queue")


def test_each_who_waits_is_told_how_many_come_before_and_how_long_that_takes() -> None:
    world = World()
    world.work()
    world.wait("running", status="processing")
    second, first = world.wait("b", age=5), world.wait("a", age=50)
    film = world.wait("f", age=99, kind="video")
    assert world.tell().told == 3
    assert world.place(first) == {"ahead": 0, "eta_seconds": 5.0}
    assert world.place(second) == {"ahead": 1, "eta_seconds": 15.0}
    assert world.place(film) == {"ahead": 0}


def test_the_lines_are_measured_for_operators() -> None:
    world = World()
    world.work()
    world.wait("running", status="processing")
    world.wait("a", age=50)
    world.tell()
    measured = world.read(QUEUE_DOCUMENT)
    assert measured == {
        "image": {
            "waiting": 1,
            "running": 1,
            "workers": 1,
            "seconds_per_job": 10.0,
            "oldest": START - timedelta(seconds=50),
        },
        "video": {
            "waiting": 0,
            "running": 0,
            "workers": 0,
            "seconds_per_job": None,
            "oldest": None,
        },
        "updated_at": START,
    }
    world.documents.delete("users/ann/generations/a")
    world.tell()
    assert world.read(QUEUE_DOCUMENT)["image"]["waiting"] == 0


def test_who_knows_it_already_is_not_told_again() -> None:
    world = World()
    world.work()
    path = world.wait("a", age=50)
    assert world.tell().told == 1
    version = world.documents.read(path)
    assert world.tell().told == 0
    assert world.documents.read(path) == version
    world.documents.delete(worker_document("w"))
    world.work(seconds_per_job={"image": 900.0})
    world.wait("running", status="processing")
    assert world.tell().told == 1


def test_a_line_longer_than_is_told_is_counted_whole() -> None:
    world = World()
    for n in range(MAX_PLACES + 5):
        world.wait(f"g{n}", age=1000 - n)
    placed = world.tell()
    assert placed.loads[Kind.IMAGE].waiting == MAX_PLACES + 5
    assert placed.told == MAX_PLACES
    assert world.place(f"users/ann/generations/g{MAX_PLACES}") is None


def test_a_run_that_ends_early_has_told_as_many_of_each_line() -> None:
    class Slow(InMemoryDocuments):
        """Each place that is told takes a third of the time that a run has."""

        def __init__(self, clock: ManualClock) -> None:
            super().__init__(clock)
            self.turned = clock

        def update(self, path: str, *args: Any, **named: Any) -> Written:
            if path != QUEUE_DOCUMENT:
                self.turned.advance(RUN_SECONDS / 3)
            return super().update(path, *args, **named)

    clock = ManualClock()
    world = World(Slow(clock))
    world.clock = clock
    pictures = [world.wait(f"p{n}", age=50 - n) for n in range(9)]
    films = [world.wait(f"f{n}", age=50 - n, kind="video") for n in range(2)]
    assert world.tell().told == 3
    assert [world.place(path) for path in films] == [{"ahead": 0}, None]
    assert [world.place(path) for path in pictures[:3]] == [{"ahead": 0}, {"ahead": 1}, None]


class Meddled(InMemoryDocuments):
    """Whose next updates of generations fail like this."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__(ManualClock())
        self.errors = list(errors)

    def update(self, path: str, *args: Any, **named: Any) -> Written:
        if self.errors and path != QUEUE_DOCUMENT:
            raise self.errors.pop(0)
        return super().update(path, *args, **named)


@pytest.mark.parametrize("error", [Conflict("claimed"), Rejected("too big")])
def test_one_that_moves_on_or_has_no_room_is_let_be(error: Exception) -> None:
    world = World(Meddled(error))
    first, second = world.wait("a", age=9), world.wait("b", age=8)
    placed = world.tell()
    assert (placed.told, placed.faults) == (1, [])
    assert (world.place(first), world.place(second)) == (None, {"ahead": 1})


def test_a_fault_with_one_is_logged_and_the_next_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(Meddled(RuntimeError("a prompt that nobody may log")))
    first, second = world.wait("a", age=9), world.wait("b", age=8)
    assert world.tell().faults == [first]
    assert world.place(second) == {"ahead": 1}
    assert "nobody may log" not in caplog.text


def test_a_store_that_is_away_ends_the_run() -> None:
    world = World(Meddled(Unavailable("away")))
    world.wait("a")
    with pytest.raises(Unavailable):
        world.tell()


def test_two_runs_at_once_measure_once_each_and_neither_fails() -> None:
    class Racing(InMemoryDocuments):
        def create(self, path: str, *args: Any) -> Written:
            if path == QUEUE_DOCUMENT and self.read(path) is None:
                super().create(path, {"by": "the other run"})
            return super().create(path, *args)

    world = World(Racing(ManualClock()))
    path = world.wait("a")
    assert world.tell().told == 1
    assert world.place(path) == {"ahead": 0}


def test_another_collection_of_the_same_name_is_not_ours_to_touch() -> None:
    world = World()
    fields = {"status": "queued", "kind": "image", "created_at": START}
    world.documents.create("albums/x/generations/y", fields)
    assert world.tell().told == 0
