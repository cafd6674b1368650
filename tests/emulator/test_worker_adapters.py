"""The worker's adapters against the emulators: what their ports' contract suites cannot say."""

import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage

from gpu_worker.adapters import firestore_watch
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.adapters.storage_urls import TokenUrls
from shared.ports import (
    DELETE,
    SERVER_TIME,
    AlreadyExists,
    Conflict,
    Missing,
    Snapshot,
    Unavailable,
)
from tests.contract.gcs_server import running_gcs_server
from tests.databases import database_of
from tools.stack import Stack

TIMEOUT_SECONDS = 10.0
PICTURE = b"\x89PNG of some kind"


@pytest.fixture
def client(stack: Stack) -> Iterator[firestore.Client]:
    with database_of(stack, stack.project) as client:
        yield client


@pytest.fixture
def path() -> str:
    return f"worker-adapters/{uuid.uuid4().hex}"


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is ours, so that nobody listens on it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Seen:
    """What a watch said."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot | None] = []
        self._changed = threading.Condition()

    def __call__(self, snapshot: Snapshot | None) -> None:
        with self._changed:
            self.snapshots.append(snapshot)
            self._changed.notify_all()

    def wait_for(self, **fields: Any) -> Snapshot:
        def found() -> Snapshot | None:
            matching = (s for s in self.snapshots if s and holds(s.data, fields))
            return next(matching, None)

        with self._changed:
            snapshot = self._changed.wait_for(found, TIMEOUT_SECONDS)
        assert snapshot is not None, f"{fields} not in {self.snapshots}"
        return snapshot

    def wait_for_none(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: None in self.snapshots, TIMEOUT_SECONDS)


def holds(data: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    return all(data.get(name) == value for name, value in fields.items())


def watch_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("watch ")]


@pytest.mark.stack
def test_a_write_s_version_is_good_for_the_next_write(client: firestore.Client, path: str) -> None:
    documents = FirestoreDocuments(client)
    written = documents.create(path, {"lease": {"token": 1, "worker_id": "a"}, "old": 1})
    for token in (2, 3):
        written = documents.update(path, {"lease": {"token": token}}, expected=written.version)
    snapshot = documents.read(path)
    assert snapshot is not None
    assert snapshot.data == {"lease": {"token": 3}, "old": 1}
    assert snapshot.version == written.version
    assert snapshot.read_time >= written.commit_time


@pytest.mark.stack
def test_an_older_version_is_a_conflict_and_changes_nothing(
    client: firestore.Client, path: str
) -> None:
    documents = FirestoreDocuments(client)
    first = documents.create(path, {"n": 1})
    documents.update(path, {"n": 2}, expected=first.version)
    with pytest.raises(Conflict):
        documents.update(path, {"n": 3}, expected=first.version)
    snapshot = documents.read(path)
    assert snapshot is not None
    assert snapshot.data == {"n": 2}


@pytest.mark.stack
def test_a_deleted_document_is_missing_or_a_conflict_and_stays_deleted(
    client: firestore.Client, path: str
) -> None:
    documents = FirestoreDocuments(client)
    first = documents.create(path, {"n": 1})
    client.document(path).delete()
    with pytest.raises((Missing, Conflict)):
        documents.update(path, {"n": 2}, expected=first.version)
    assert documents.read(path) is None


@pytest.mark.stack
def test_the_server_fills_in_its_time_and_removes_fields(
    client: firestore.Client, path: str
) -> None:
    documents = FirestoreDocuments(client)
    first = documents.create(path, {"gone": 1, "at": SERVER_TIME})
    written = documents.update(path, {"gone": DELETE, "at": SERVER_TIME}, expected=first.version)
    snapshot = documents.read(path)
    assert snapshot is not None
    assert set(snapshot.data) == {"at"}
    assert first.commit_time < snapshot.data["at"] <= written.commit_time


@pytest.mark.stack
def test_a_watch_tells_of_the_document_now_of_each_change_and_of_its_end(
    client: firestore.Client, path: str
) -> None:
    documents, seen = FirestoreDocuments(client), Seen()
    written = documents.create(path, {"n": 1, "lease": {"token": 1}, "bytes": b"\x00\xff"})
    watch = documents.watch(path, seen)
    first = seen.wait_for(n=1)
    assert first.data == {"n": 1, "lease": {"token": 1}, "bytes": b"\x00\xff"}
    assert first.version == written.version
    documents.update(path, {"cancel_requested": True}, expected=first.version)
    seen.wait_for(n=1, cancel_requested=True)
    client.document(path).delete()
    seen.wait_for_none()
    watch.close()


@pytest.mark.stack
def test_a_watch_of_what_does_not_exist_says_so(client: firestore.Client, path: str) -> None:
    seen = Seen()
    watch = FirestoreDocuments(client).watch(path, seen)
    seen.wait_for_none()
    watch.close()


@pytest.mark.stack
@pytest.mark.parametrize("open_after", [0.0, firestore_watch.OPEN_AFTER_SECONDS])
def test_a_closed_watch_is_silent_and_leaves_no_thread(
    client: firestore.Client, path: str, monkeypatch: pytest.MonkeyPatch, open_after: float
) -> None:
    monkeypatch.setattr(firestore_watch, "OPEN_AFTER_SECONDS", open_after)
    documents, seen, witness = FirestoreDocuments(client), Seen(), Seen()
    written = documents.create(path, {"n": 1})
    for _ in range(20):
        watch = documents.watch(path, seen)
        watch.close()
        watch.close()
    watch = documents.watch(path, seen)
    seen.wait_for(n=1)
    watch.close()
    assert watch_threads() == []
    other = documents.watch(path, witness)
    witness.wait_for(n=1)
    documents.update(path, {"n": 2}, expected=written.version)
    witness.wait_for(n=2)
    other.close()
    assert not any(snapshot and snapshot.data["n"] == 2 for snapshot in seen.snapshots)


def test_without_a_server_calls_are_unavailable_and_a_watch_neither_spins_nor_hangs(
    dead_port: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{dead_port}")
        client = firestore.Client(project="nobody", credentials=AnonymousCredentials())
    documents, seen = FirestoreDocuments(client, patience_seconds=0.5), Seen()
    before = threading.active_count()
    watch = documents.watch("a/b", seen)
    with pytest.raises(Unavailable):
        documents.read("a/b")
    with pytest.raises(Unavailable):
        documents.create("a/b", {})
    # The client library's own watch has made hundreds of threads by now.
    assert threading.active_count() - before < 10
    watch.close()
    client.close()
    assert watch_threads() == []
    assert seen.snapshots == []


@pytest.fixture
def objects(stack: Stack) -> Iterator[FirebaseStorage]:
    host = f"http://{stack.storage}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", host)
        client = storage.Client(project=stack.project, credentials=AnonymousCredentials())
    yield FirebaseStorage(client, stack.bucket, urls=TokenUrls(host))
    client.close()


@pytest.fixture
def name() -> str:
    return f"users/ada@example.com/generations/{uuid.uuid4().hex}/1/0.png"


@pytest.mark.stack
def test_the_download_url_serves_the_bytes_with_its_token_and_nothing_without(
    objects: FirebaseStorage, name: str
) -> None:
    stored = objects.create(name, PICTURE, content_type="image/png")
    answer = requests.get(stored.url, timeout=TIMEOUT_SECONDS)
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["Content-Type"] == "image/png"
    bare, _, token = stored.url.partition("&token=")
    assert len(token) == len(str(uuid.uuid4()))
    for url in (bare, f"{bare}&token={uuid.uuid4()}"):
        assert requests.get(url, timeout=TIMEOUT_SECONDS).status_code == 403


@pytest.mark.stack
def test_a_stored_object_is_read_back_and_deleted_without_complaint(
    objects: FirebaseStorage, name: str
) -> None:
    objects.create(name, PICTURE, content_type="image/png")
    assert objects.read(name) == PICTURE
    objects.delete(name)
    objects.delete(name)
    with pytest.raises(Missing):
        objects.read(name)


def test_a_name_is_written_once_and_a_repeated_upload_finds_its_own(name: str) -> None:
    """Against a server that honours preconditions, which the Storage emulator ignores."""
    with running_gcs_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        client = storage.Client(project="p", credentials=AnonymousCredentials())
        client.create_bucket("worker-adapters")
        objects = FirebaseStorage(client, "worker-adapters", urls=TokenUrls(address))
        first = objects.create(name, PICTURE, content_type="image/png")
        assert objects.create(name, PICTURE, content_type="image/png") == first
        with pytest.raises(AlreadyExists):
            objects.create(name, PICTURE + b"!", content_type="image/png")
        assert objects.read(name) == PICTURE
        client.close()


def test_storage_that_is_away_is_unavailable_and_the_error_holds_no_address(
    name: str, dead_port: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{dead_port}")
        client = storage.Client(project="p", credentials=AnonymousCredentials())
    objects = FirebaseStorage(client, "b", patience_seconds=0.2)
    for call in (
        lambda: objects.create(name, PICTURE, content_type="image/png"),
        lambda: objects.read(name),
        lambda: objects.delete(name),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert "http" not in str(raised.value)
        assert name not in str(raised.value)
    client.close()
