"""What every `DocumentStore` does: compare-and-set on single documents with the server's clock."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.ports import (
    DELETE,
    SERVER_TIME,
    AlreadyExists,
    Conflict,
    DocumentStore,
    Missing,
    Rejected,
)
from shared.stored_size import MAX_DOCUMENT_BYTES
from tests.contract.adapters import CONTENDERS, read

#: The emulator runs on this machine; only the moment between two readings differs.
CLOCK_TOLERANCE = timedelta(seconds=5)


def test_a_document_that_does_not_exist_reads_as_none(documents: DocumentStore, path: str) -> None:
    assert documents.read(path) is None


VALUES: dict[str, Any] = {
    "text": "größe 🌅",
    "whole": 2**53 - 1,
    "fraction": 0.1,
    "nothing": None,
    "truth": True,
    "bytes": b"\x00\xff",
    "list": [1, "two", {"three": 3.0}],
    "map": {"deep": {"deeper": [None]}},
    "moment": datetime(2026, 11, 1, 12, 30, 15, 123456, tzinfo=UTC),
}


def test_what_is_created_is_read_back_with_every_type(documents: DocumentStore, path: str) -> None:
    documents.create(path, VALUES)
    assert dict(read(documents, path).data) == VALUES


def test_a_document_cannot_be_created_twice(documents: DocumentStore, path: str) -> None:
    documents.create(path, {"winner": 1})
    with pytest.raises(AlreadyExists):
        documents.create(path, {"winner": 2})
    assert read(documents, path).data["winner"] == 1


def test_an_update_changes_the_named_fields_only(documents: DocumentStore, path: str) -> None:
    documents.create(path, {"kept": "old", "changed": "old"})
    documents.update(path, {"changed": "new"}, expected=read(documents, path).version)
    assert dict(read(documents, path).data) == {"kept": "old", "changed": "new"}


def test_an_update_replaces_a_map_as_a_whole(documents: DocumentStore, path: str) -> None:
    documents.create(path, {"map": {"gone": 1, "kept": 1}})
    documents.update(path, {"map": {"kept": 2}}, expected=read(documents, path).version)
    assert read(documents, path).data["map"] == {"kept": 2}


def test_delete_removes_a_field_and_is_harmless_for_one_that_is_not_there(
    documents: DocumentStore, path: str
) -> None:
    documents.create(path, {"kept": 1, "gone": 1})
    changes = {"gone": DELETE, "never": DELETE}
    documents.update(path, changes, expected=read(documents, path).version)
    assert dict(read(documents, path).data) == {"kept": 1}


def test_server_time_becomes_the_servers_time_of_the_write(
    documents: DocumentStore, path: str
) -> None:
    written = documents.create(path, {"at": SERVER_TIME})
    at = read(documents, path).data["at"]
    assert at.tzinfo is not None
    assert abs(at - written.commit_time) < CLOCK_TOLERANCE
    assert abs(at - datetime.now(UTC)) < CLOCK_TOLERANCE


def test_an_update_of_an_older_version_conflicts_and_changes_nothing(
    documents: DocumentStore, path: str
) -> None:
    first = documents.create(path, {"n": 1})
    documents.update(path, {"n": 2}, expected=first.version)
    with pytest.raises(Conflict):
        documents.update(path, {"n": 3}, expected=first.version)
    assert read(documents, path).data["n"] == 2


def test_an_update_of_a_document_that_is_gone_is_refused(
    documents: DocumentStore, path: str
) -> None:
    version = documents.create(path, {"n": 1}).version
    with pytest.raises((Missing, Conflict)):
        documents.update(f"{path}-other", {"n": 2}, expected=version)
    assert documents.read(f"{path}-other") is None


def test_the_version_that_a_write_returns_is_the_one_that_is_read(
    documents: DocumentStore, path: str
) -> None:
    created = documents.create(path, {"n": 1})
    assert read(documents, path).version == created.version
    updated = documents.update(path, {"n": 2}, expected=created.version)
    assert updated.version != created.version
    assert read(documents, path).version == updated.version


def test_versions_allow_a_chain_of_updates_without_reading(
    documents: DocumentStore, path: str
) -> None:
    version = documents.create(path, {"n": 0}).version
    for n in range(1, 4):
        version = documents.update(path, {"n": n}, expected=version).version
    assert read(documents, path).data["n"] == 3


def test_the_servers_clock_never_goes_backwards_between_a_write_and_a_read(
    documents: DocumentStore, path: str
) -> None:
    created = documents.create(path, {"n": 1})
    snapshot = read(documents, path)
    updated = documents.update(path, {"n": 2}, expected=snapshot.version)
    assert created.commit_time <= snapshot.read_time <= updated.commit_time
    assert created.commit_time.tzinfo is not None


def test_of_many_contenders_for_one_version_exactly_one_wins(
    documents: DocumentStore, path: str
) -> None:
    version = documents.create(path, {"winner": None}).version
    start = threading.Barrier(CONTENDERS)
    wins: list[int] = []
    losses: list[int] = []

    def contend(number: int) -> None:
        start.wait()
        try:
            documents.update(path, {"winner": number}, expected=version)
        except Conflict:
            losses.append(number)
        else:
            wins.append(number)

    threads = [threading.Thread(target=contend, args=(n,)) for n in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert (len(wins), len(losses)) == (1, CONTENDERS - 1)
    assert read(documents, path).data["winner"] == wins[0]


def test_what_a_caller_does_to_its_own_values_afterwards_does_not_reach_the_store(
    documents: DocumentStore, path: str
) -> None:
    value = {"list": [1]}
    documents.create(path, {"map": value})
    value["list"].append(2)
    assert read(documents, path).data["map"] == {"list": [1]}


def test_a_write_that_makes_the_document_too_big_is_rejected_and_changes_nothing(
    documents: DocumentStore, path: str
) -> None:
    text = "x" * (MAX_DOCUMENT_BYTES - 300)
    version = documents.create(path, {"input": text}).version
    with pytest.raises(Rejected) as caught:
        documents.update(path, {"more": "y" * 400}, expected=version)
    assert "yyy" not in str(caught.value)
    assert dict(read(documents, path).data) == {"input": text}
    documents.update(path, {"input": {}, "more": "y" * 400}, expected=version)


def test_a_document_that_is_too_big_is_not_created(documents: DocumentStore, path: str) -> None:
    with pytest.raises(Rejected):
        documents.create(path, {"input": "x" * (MAX_DOCUMENT_BYTES + 1)})
    assert documents.read(path) is None
