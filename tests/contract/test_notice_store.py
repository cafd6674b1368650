"""What every `NoticeStore` does: finds a person's devices and what nobody has told, and removes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.in_memory import InMemoryDocuments
from shared.in_memory_notices import InMemoryNotices
from shared.notifying import NoticeStore
from shared.ports import DocumentStore
from tests.contract.adapters import IN_MEMORY, read
from tests.databases import database_of
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_notices import FirestoreNotices

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """A store of notices and the documents that it looks over: a database of its own."""

    notices: NoticeStore
    documents: DocumentStore

    def put(self, path: str, **fields: Any) -> str:
        self.documents.create(path, fields)
        return path

    def device(self, name: str, age: float = 0.0, uid: str = "ann", **fields: Any) -> str:
        noted = {"token": f"token-{name}", "platform": "ios", "updated_at": ago(age)}
        return self.put(f"users/{uid}/devices/{name}", **{**noted, **fields})


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def in_memory(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    documents = InMemoryDocuments()
    yield Subject(InMemoryNotices(documents), documents)


def on_firestore(request: pytest.FixtureRequest) -> Iterator[Subject]:
    project = f"demo-notices-{uuid4().hex[:8]}"
    with database_of(request.getfixturevalue("stack"), project) as client:
        yield Subject(FirestoreNotices(client), FirestoreDocuments(client))


@pytest.fixture(
    params=[
        pytest.param(in_memory, id=IN_MEMORY),
        pytest.param(on_firestore, id="trigger", marks=pytest.mark.stack),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Callable[[pytest.FixtureRequest], Iterator[Subject]] = request.param
    yield from build(request)


def test_a_person_s_devices_are_found_the_newest_first(subject: Subject) -> None:
    old, new = subject.device("old", age=900), subject.device("new", age=5)
    subject.device("other", uid="bob")
    found = subject.notices.devices("ann", limit=5)
    assert [(it.path, it.token, it.name) for it in found] == [
        (new, "token-new", "new"),
        (old, "token-old", "old"),
    ]
    assert [it.path for it in subject.notices.devices("ann", limit=1)] == [new]
    assert subject.notices.devices("nobody", limit=5) == []


@pytest.mark.parametrize("token", [None, "", 7, ["token"]])
def test_what_has_no_token_is_no_device(subject: Subject, token: object) -> None:
    good = subject.device("good", age=9)
    subject.device("bad", token=token)
    assert [it.path for it in subject.notices.devices("ann", limit=5)] == [good]


def test_notices_that_are_due_are_found_earliest_first_whosever_they_are(subject: Subject) -> None:
    late = subject.put("users/ann/notices/g1", again_after=ago(60))
    early = subject.put("users/bob/notices/g1", again_after=ago(90))
    subject.put("users/ann/notices/g2", again_after=ago(59))
    subject.put("users/ann/notices/g3", at=ago(900))
    subject.put("users/ann/others/g4", again_after=ago(900))
    assert subject.notices.overdue(before=ago(60), limit=5) == [early, late]
    assert subject.notices.overdue(before=ago(60), limit=1) == [early]


def test_what_was_found_is_removed_and_only_as_it_was_found(subject: Subject) -> None:
    path = subject.device("one")
    (found,) = subject.notices.devices("ann", limit=5)
    subject.documents.update(path, {"token": "newer"}, expected=found.version)
    assert not subject.notices.remove(path, expected=found.version)
    assert read(subject.documents, path).data["token"] == "newer"
    (again,) = subject.notices.devices("ann", limit=5)
    assert subject.notices.remove(path, expected=again.version)
    assert subject.documents.read(path) is None
    assert not subject.notices.remove(path, expected=again.version)
