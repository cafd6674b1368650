"""A worker says that it is there; that never costs the work anything."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gpu_worker.presence import CHANGE_SECONDS, Presence
from shared.in_memory import InMemoryDocuments
from shared.kinds import Kind
from shared.paths import worker_document
from shared.ports import Beside, Changes, Unavailable, Written
from shared.presence import KEPT, REPORT_SECONDS, WorkerReport, WorkerState
from tests.unit.lifecycle.world import START, ManualClock

TIMEOUT_SECONDS = 10.0
PATH = worker_document("w1")
READY = WorkerReport(
    state=WorkerState.READY,
    kinds=(Kind.IMAGE,),
    intake="pull",
    version="1.2.3",
    started_at=START,
    device="H100",
    models=("sdxl",),
    memory={"allocated": 5},
    seconds_per_job={Kind.IMAGE: 1.23456},
    jobs_done={Kind.IMAGE: 3},
)
BUSY = replace(READY, state=WorkerState.BUSY, jobs=("users/ann/generations/g1",))


class World(InMemoryDocuments):
    """One worker's document, every write to it, and the end of every look."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(self.clock)
        self.report = READY
        self.writes: list[Changes] = []
        self.error: Exception | None = None
        self._looks = 0
        self._looked = threading.Condition()

    def create(self, path: str, data: Changes) -> Written:
        self._note(data)
        return super().create(path, data)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        self._note(changes)
        return super().update(path, changes, expected=expected, beside=beside)

    def _note(self, fields: Changes) -> None:
        if self.error:
            raise self.error
        self.writes.append(fields)

    def look(self) -> WorkerReport:
        with self._looked:
            self._looks += 1
            self._looked.notify_all()
            return self.report

    def after_another_look(self) -> None:
        """Returns when a look that began after this call has been dealt with."""
        with self._looked:
            seen = self._looks
            assert self._looked.wait_for(lambda: self._looks >= seen + 2, TIMEOUT_SECONDS)

    def told_states(self) -> list[str]:
        return [fields["state"] for fields in self.writes]

    @property
    def document(self) -> dict[str, Any]:
        snapshot = self.read(PATH)
        assert snapshot is not None
        return dict(snapshot.data)


@contextmanager
def present(world: World) -> Iterator[None]:
    with Presence(
        world, world.clock, "w1", world.look, look_seconds=0.0005, leave_seconds=TIMEOUT_SECONDS
    ):
        world.after_another_look()
        yield


def test_it_says_what_an_operator_wants_to_know() -> None:
    world = World()
    with present(world):
        assert world.document == {
            "state": "ready",
            "kinds": ["image"],
            "intake": "pull",
            "version": "1.2.3",
            "started_at": START,
            "device": "H100",
            "models": ["sdxl"],
            "memory": {"allocated": 5},
            "jobs": [],
            "jobs_done": {"image": 3},
            "seconds_per_job": {"image": 1.235},
            "updated_at": START,
            "expire_at": START + KEPT,
        }


def test_without_news_it_says_so_twice_a_minute() -> None:
    world = World()
    with present(world):
        world.clock.advance(REPORT_SECONDS - 1)
        world.after_another_look()
        assert len(world.writes) == 1
        world.clock.advance(1)
        world.after_another_look()
        assert len(world.writes) == 2


def test_news_are_said_at_most_so_often() -> None:
    world = World()
    with present(world):
        world.report = BUSY
        world.after_another_look()
        assert world.told_states() == ["ready"]
        world.clock.advance(CHANGE_SECONDS)
        world.after_another_look()
        assert world.told_states() == ["ready", "busy"]
        assert world.document["jobs"] == ["users/ann/generations/g1"]


def test_memory_alone_is_no_news() -> None:
    world = World()
    with present(world):
        world.report = replace(READY, memory={"allocated": 6})
        world.clock.advance(CHANGE_SECONDS)
        world.after_another_look()
        assert len(world.writes) == 1


def test_that_it_leaves_is_said_at_once() -> None:
    world = World()
    with present(world):
        pass
    assert world.told_states() == ["ready", "draining"]
    assert (world.document["device"], world.document["jobs"]) == ("H100", [])


def test_one_that_is_told_to_drain_says_so_at_once_and_once() -> None:
    world = World()
    with present(world):
        world.report = replace(READY, state=WorkerState.DRAINING)
        world.after_another_look()
        assert world.told_states() == ["ready", "draining"]
    assert world.told_states() == ["ready", "draining"]


def test_a_store_that_is_away_is_a_warning_once_and_tried_again_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    world = World()
    world.error = Unavailable("away")
    with present(world):
        for _ in range(2):
            world.clock.advance(REPORT_SECONDS)
            world.after_another_look()
        assert len(caplog.records) == 1
        world.error = None
        world.clock.advance(REPORT_SECONDS)
        world.after_another_look()
        assert world.told_states() == ["ready"]


def test_a_document_that_an_operator_cleared_away_comes_back() -> None:
    world = World()
    with present(world):
        world.delete(PATH)
        world.clock.advance(REPORT_SECONDS)
        world.after_another_look()
        assert world.document["state"] == "ready"


def test_a_document_that_somebody_else_wrote_is_written_over() -> None:
    world = World()
    with present(world):
        there = world.read(PATH)
        assert there is not None
        InMemoryDocuments.update(world, PATH, {"state": "x"}, expected=there.version)
        world.clock.advance(REPORT_SECONDS)
        world.after_another_look()
        assert world.document["state"] == "ready"
