"""What the listener is not told is looked up, and counted if it is never told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from google.cloud import firestore

from shared.paths import GenerationPath
from shared.status import Status
from tests.chaos.recorder import NotSeen, Recorder

PATH = "users/ada/generations/g1"
START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Document:
    """One version, as the client library shows it."""

    status: str
    second: int
    exists: bool = True

    @property
    def update_time(self) -> datetime:
        return START + timedelta(seconds=self.second)

    @property
    def reference(self) -> Any:
        return type("Reference", (), {"path": PATH})

    def to_dict(self) -> Mapping[str, Any]:
        return {"status": self.status}


class Database:
    """Of one document."""

    def __init__(self, there: Document) -> None:
        self.there = there

    def document(self, path: str) -> "Database":
        assert path == PATH
        return self

    def get(self) -> Document:
        return self.there


def tell(recorder: Recorder, document: Document) -> None:
    change = type("Change", (), {"document": document})
    recorder._see(None, [change], None)


def statuses(recorder: Recorder) -> list[str]:
    return [state.status for state in recorder.states()[PATH]]


def test_an_end_that_is_never_told_is_found_and_counted_once() -> None:
    database = Database(Document("completed", 2))
    recorder = Recorder(cast("firestore.Client", database))
    tell(recorder, Document("processing", 1))
    assert not recorder.wait_for_ends(0)
    recorder.look()
    assert recorder.wait_for_ends(0)
    recorder.look()
    assert recorder.untold() == 1
    assert statuses(recorder) == [Status.PROCESSING]


def test_a_listener_that_only_lags_tells_the_rest_in_its_order() -> None:
    recorder = Recorder(cast("firestore.Client", Database(Document("completed", 3))))
    tell(recorder, Document("queued", 1))
    recorder.look()
    tell(recorder, Document("processing", 2))
    assert recorder.untold() == 1
    tell(recorder, Document("completed", 3))
    assert recorder.untold() == 0, "it was late, and not lost"
    assert statuses(recorder) == [Status.QUEUED, Status.PROCESSING, Status.COMPLETED]


def test_nothing_is_counted_where_nothing_was_kept_back() -> None:
    recorder = Recorder(cast("firestore.Client", Database(Document("processing", 1))))
    tell(recorder, Document("processing", 1))
    recorder.look()
    assert recorder.untold() == 0
    assert statuses(recorder) == [Status.PROCESSING]


def test_a_version_that_is_passed_over_for_a_later_one_was_told() -> None:
    recorder = Recorder(cast("firestore.Client", Database(Document("processing", 2))))
    tell(recorder, Document("queued", 1))
    recorder.look()
    tell(recorder, Document("completed", 3))
    assert recorder.untold() == 0


def test_a_status_that_goes_backwards_is_recorded_as_it_was_told() -> None:
    recorder = Recorder(cast("firestore.Client", Database(Document("queued", 3))))
    for document in (Document("processing", 1), Document("completed", 2), Document("queued", 3)):
        tell(recorder, document)
    assert statuses(recorder) == [Status.PROCESSING, Status.COMPLETED, Status.QUEUED]


def test_one_of_which_nothing_at_all_was_told_is_looked_up_once_somebody_waits_for_it() -> None:
    recorder = Recorder(cast("firestore.Client", Database(Document("completed", 2))))
    recorder._watch = type("Watch", (), {"is_active": True})
    path = GenerationPath.parse(PATH)
    with pytest.raises(NotSeen):
        recorder.wait_for(path, lambda state: state.status.terminal, 0)
    recorder.look()
    assert recorder.wait_for(path, lambda state: state.status.terminal, 0).status == "completed"
    assert recorder.states() == {}
    assert recorder.untold() == 1
