"""What every `QueueSearch` does: counts and finds those who wait, and who works."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import firestore

from shared.in_memory import InMemoryDocuments
from shared.in_memory_queue import InMemoryQueueSearch
from shared.kinds import Kind
from shared.paths import worker_document
from shared.ports import Conflict, DocumentStore
from shared.queueing import QueueSearch
from shared.status import Status
from tests.contract.adapters import IN_MEMORY
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_queue import FirestoreQueueSearch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """A search and the store that holds what it looks over: a database of its own."""

    search: QueueSearch
    documents: DocumentStore

    def put(self, name: str, uid: str = "ann", age: float = 0.0, **fields: Any) -> str:
        path = f"users/{uid}/generations/{name}"
        created_at = NOW - timedelta(seconds=age)
        waiting = {"input": {"prompt": "x"}, "status": "queued", "kind": "image"}
        self.documents.create(path, {**waiting, "created_at": created_at, **fields})
        return path

    def waiting(self, kind: Kind = Kind.IMAGE, limit: int = 10) -> list[str]:
        return [one.path for one in self.search.waiting(kind, limit=limit)]


def in_memory(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    documents = InMemoryDocuments()
    yield Subject(InMemoryQueueSearch(documents), documents)


def on_firestore(request: pytest.FixtureRequest) -> Iterator[Subject]:
    stack: Stack = request.getfixturevalue("stack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.firestore)
        client = firestore.Client(project=f"demo-queue-{uuid4().hex[:8]}")
    yield Subject(FirestoreQueueSearch(client), FirestoreDocuments(client))
    client.close()


@pytest.fixture(
    params=[
        pytest.param(in_memory, id=IN_MEMORY),
        pytest.param(on_firestore, id="trigger", marks=pytest.mark.stack),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Callable[[pytest.FixtureRequest], Iterator[Subject]] = request.param
    yield from build(request)


def test_those_who_wait_are_found_earliest_first_whosever_they_are(subject: Subject) -> None:
    late = subject.put("a", age=5)
    early = subject.put("b", age=50, uid="bob")
    subject.put("c", age=9, kind="video")
    subject.put("d", age=9, status="processing")
    subject.put("e", age=9, status="pending")
    assert subject.waiting() == [early, late]
    assert subject.waiting(limit=1) == [early]
    assert subject.waiting(Kind.VIDEO) == ["users/ann/generations/c"]


def test_what_is_found_can_be_changed_unless_it_has_changed_since(subject: Subject) -> None:
    path = subject.put("a", age=5, queue={"ahead": 3})
    (found,) = subject.search.waiting(Kind.IMAGE, limit=5)
    assert (found.queue, found.created_at) == ({"ahead": 3}, NOW - timedelta(seconds=5))
    subject.documents.update(path, {"queue": {"ahead": 2}}, expected=found.version)
    with pytest.raises(Conflict):
        subject.documents.update(path, {"queue": {"ahead": 1}}, expected=found.version)
    (again,) = subject.search.waiting(Kind.IMAGE, limit=5)
    assert again.queue == {"ahead": 2}


def test_one_that_was_told_nothing_has_no_place(subject: Subject) -> None:
    subject.put("a")
    (found,) = subject.search.waiting(Kind.IMAGE, limit=5)
    assert found.queue is None


def test_they_are_counted_by_status_and_kind(subject: Subject) -> None:
    for n in range(3):
        subject.put(f"i{n}", uid=f"u{n}")
    subject.put("v", kind="video", status="processing")
    subject.put("old", kind=None)
    counted = {
        (status, kind): subject.search.count(status, kind)
        for status in (Status.QUEUED, Status.PROCESSING)
        for kind in Kind
    }
    assert counted == {
        (Status.QUEUED, Kind.IMAGE): 3,
        (Status.QUEUED, Kind.VIDEO): 0,
        (Status.PROCESSING, Kind.IMAGE): 0,
        (Status.PROCESSING, Kind.VIDEO): 1,
    }


def test_workers_are_found_that_were_heard_of_since_newest_first(subject: Subject) -> None:
    for n, age in enumerate((300, 10, 60)):
        fields = {"n": n, "updated_at": NOW - timedelta(seconds=age)}
        subject.documents.create(worker_document(f"w{n}"), fields)

    def found(limit: int) -> list[int]:
        since = NOW - timedelta(seconds=60)
        return [one["n"] for one in subject.search.workers(since=since, limit=limit)]

    assert found(10) == [1, 2]
    assert found(1) == [1]
