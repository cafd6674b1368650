"""What every `GenerationSearch` and `UsageSearch` does: finds everybody's overdue documents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from shared.in_memory import InMemoryDocuments
from shared.ports import DocumentStore, Found, Overdue
from tests.contract.adapters import IN_MEMORY
from tests.databases import database_of
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.reconcile import Search

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERY = list(Overdue)


@dataclass(frozen=True)
class Subject:
    """A search and the store that holds what it looks over: a database of its own."""

    search: Search
    documents: DocumentStore

    def put(self, name: str, fields: dict[str, Any], uid: str = "ann") -> str:
        path = f"users/{uid}/generations/{name}"
        self.documents.create(path, fields)
        return path

    def found(self, what: Overdue, before: datetime = NOW, limit: int = 10) -> list[str]:
        return [one.path for one in self.search.overdue(what, before=before, limit=limit)]


def in_memory(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    documents = InMemoryDocuments()
    yield Subject(documents, documents)


def on_firestore(request: pytest.FixtureRequest) -> Iterator[Subject]:
    stack: Stack = request.getfixturevalue("stack")
    with database_of(stack, f"demo-search-{uuid4().hex[:8]}") as client:
        yield Subject(FirestoreSearch(client), FirestoreDocuments(client))


@pytest.fixture(
    params=[
        pytest.param(in_memory, id=IN_MEMORY),
        pytest.param(on_firestore, id="trigger", marks=pytest.mark.stack),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Callable[[pytest.FixtureRequest], Iterator[Subject]] = request.param
    yield from build(request)


def document(what: Overdue, age: float, **fields: Any) -> dict[str, Any]:
    """One whose moment, as far as `what` is concerned, lies `age` seconds back."""
    moment = NOW - timedelta(seconds=age)
    given: dict[Overdue, dict[str, Any]] = {
        Overdue.CANCELLED: {"status": "queued", "cancel_requested": True, "created_at": moment},
        Overdue.PENDING: {"status": "pending", "created_at": moment},
        Overdue.LAPSED: {
            "status": "processing",
            "lease": {"token": 1, "worker_id": "w", "expires_at": moment},
        },
        Overdue.QUEUED: {"status": "queued", "sweep_after": moment},
    }
    return {"input": {"prompt": "x"}, **given[what], **fields}


@pytest.mark.parametrize("what", EVERY)
def test_documents_of_every_user_are_found_earliest_first(subject: Subject, what: Overdue) -> None:
    late = subject.put("a", document(what, 5), uid="ann")
    early = subject.put("b", document(what, 50), uid="bob")
    exact = subject.put("c", document(what, 0), uid="ann")
    subject.put("d", document(what, -1), uid="bob")
    assert subject.found(what) == [early, late, exact]
    assert subject.found(what, before=NOW - timedelta(seconds=6)) == [early]


@pytest.mark.parametrize("what", EVERY)
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "done"])
def test_documents_that_ended_are_not_found(subject: Subject, what: Overdue, status: str) -> None:
    subject.put("a", document(what, 5, status=status))
    assert subject.found(what) == []


def test_each_kind_finds_its_own_documents_only(subject: Subject) -> None:
    paths = {what: subject.put(what.value, document(what, 5)) for what in EVERY}
    for what, path in paths.items():
        assert subject.found(what) == [path]


def test_a_pending_document_may_be_cancelled_too(subject: Subject) -> None:
    path = subject.put("a", document(Overdue.PENDING, 5, cancel_requested=True))
    subject.put("b", document(Overdue.PENDING, 5, cancel_requested="yes"))
    subject.put("c", document(Overdue.LAPSED, 5, cancel_requested=True, created_at=NOW))
    assert subject.found(Overdue.CANCELLED) == [path]


@pytest.mark.parametrize("what", EVERY)
def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    subject: Subject, what: Overdue
) -> None:
    # Some moments are the same: then the place goes on by name.
    put = [subject.put(f"g{n}", document(what, 9 - n // 2)) for n in range(7)]
    found: list[str] = []
    after: Found | None = None
    while page := subject.search.overdue(what, before=NOW, limit=3, after=after):
        assert len(page) <= 3
        found += [one.path for one in page]
        after = page[-1]
    assert found == put


@pytest.mark.parametrize("what", EVERY)
def test_a_page_goes_on_though_what_it_ended_with_has_changed(
    subject: Subject, what: Overdue
) -> None:
    put = [subject.put(f"g{n}", document(what, 9 - n)) for n in range(4)]
    page = subject.search.overdue(what, before=NOW, limit=2)
    for path in put[:2]:
        snapshot = subject.documents.read(path)
        assert snapshot is not None
        subject.documents.update(path, {"status": "failed"}, expected=snapshot.version)
    rest = subject.search.overdue(what, before=NOW, limit=2, after=page[-1])
    assert [one.path for one in rest] == put[2:]


@pytest.mark.parametrize("value", [None, "yesterday", 5])
@pytest.mark.parametrize("what", EVERY)
def test_a_document_without_a_moment_is_not_found(
    subject: Subject, what: Overdue, value: object
) -> None:
    odd = {"created_at": value, "sweep_after": value, "lease": {"expires_at": value}}
    subject.put("a", {**document(what, 5), **odd})
    assert subject.found(what) == []


def test_nothing_is_found_in_an_empty_database(subject: Subject) -> None:
    assert [subject.found(what) for what in EVERY] == [[]] * len(EVERY)


def test_states_are_of_the_documents_that_exist_and_hold_the_fields_asked_for(
    subject: Subject,
) -> None:
    one = subject.put("a", {"status": "completed", "lease": {"token": 3}, "input": {"prompt": "x"}})
    bare = subject.put("b", {"input": {}})
    gone = "users/ann/generations/gone"
    states = subject.search.states({one, bare, gone}, ["status", "lease"])
    assert dict(states) == {one: {"status": "completed", "lease": {"token": 3}}, bare: {}}


def test_states_of_nothing_are_nothing(subject: Subject) -> None:
    assert dict(subject.search.states([], ["status"])) == {}


def test_states_of_many_documents_are_read_at_once(subject: Subject) -> None:
    paths = {subject.put(f"g{n}", {"status": "failed"}) for n in range(150)}
    assert set(subject.search.states(paths, ["status"])) == paths


@pytest.mark.stack
def test_an_input_that_cannot_be_decoded_stops_neither_a_search_nor_a_reading(
    stack: Stack,
) -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    foreign = {"prompt": "x", "a": other.document("a/b")}
    path = "users/ann/generations/g1"
    with database_of(stack, f"demo-search-{uuid4().hex[:8]}") as client:
        client.document(path).create({**document(Overdue.PENDING, 5), "input": foreign})
        search = FirestoreSearch(client)
        (found,) = search.overdue(Overdue.PENDING, before=NOW, limit=5)
        assert found.path == path
        assert dict(search.states([path], ["status"])) == {path: {"status": "pending"}}
    other.close()


def put_usage(subject: Subject, uid: str, age: float) -> str:
    path = f"users/{uid}/account/usage"
    due = NOW - timedelta(seconds=age)
    subject.documents.create(path, {"reconcile_after": due, "reserved": {}, "spent": {}})
    return path


def test_usage_of_every_user_is_found_the_longest_due_first(subject: Subject) -> None:
    ages = {"ann": 5, "bob": 50, "eve": 0, "joe": -1}
    late, early, exact, _ = (put_usage(subject, uid, age) for uid, age in ages.items())
    assert subject.search.unreconciled(before=NOW, limit=10) == [early, late, exact]
    assert subject.search.unreconciled(before=NOW, limit=2) == [early, late]


def test_usage_that_is_never_due_and_other_documents_are_not_found(subject: Subject) -> None:
    subject.documents.create("users/ann/account/usage", {"reserved": {}})
    subject.documents.create("users/bob/account/usage", {"reconcile_after": "soon"})
    subject.documents.create("users/eve/generations/usage", {"reconcile_after": NOW})
    assert subject.search.unreconciled(before=NOW, limit=10) == []
