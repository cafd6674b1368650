"""A document is deleted on the stack: the function takes its files along, and no others."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage

from shared.paths import GenerationPath
from tests.emulator.conftest import CHANGE_TIMEOUT_SECONDS, Await, Phone
from tests.rules.firestore_rest import REQUEST_TIME
from tools.stack import Stack
from tools.stack.waiting import wait_until

pytestmark = pytest.mark.stack

TOKEN = 1793534400000


@pytest.fixture
def bucket(stack: Stack) -> Iterator[storage.Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{stack.storage}")
        client = storage.Client(project=stack.project, credentials=AnonymousCredentials())
    yield client.bucket(stack.bucket)
    client.close()


def test_deleting_a_generation_in_the_making_gives_back_what_was_reserved_for_it(
    firestore_client: firestore.Client, phone: Phone, document_once: Await
) -> None:
    path = GenerationPath.parse(phone.path())
    created = {"input": {"prompt": "x"}, "status": "pending", "created_at": REQUEST_TIME}
    assert phone.firestore.create(str(path), created).is_success
    charge = document_once(str(path), "queued")["charge"]
    usage = firestore_client.document(path.usage)
    assert usage.get().get("spent") == {charge["day"]: charge["credits"]}
    given_back = threading.Event()

    def on_change(documents: list[Any], _changes: object, _read_time: object) -> None:
        if documents[0].get("spent") == {charge["day"]: 0}:
            given_back.set()

    watch = usage.on_snapshot(on_change)
    try:
        # The rules do not let its owner: an administrator does.
        firestore_client.document(str(path)).delete()
        assert given_back.wait(CHANGE_TIMEOUT_SECONDS) or usage.get().get("reserved") == {}
    finally:
        watch.unsubscribe()
    assert usage.get().get("reserved") == {}


def test_deleting_a_document_removes_its_files_and_none_of_a_later_one_of_its_id(
    firestore_client: firestore.Client,
    bucket: storage.Bucket,
    phone: Phone,
    document_once: Await,
) -> None:
    path = GenerationPath.parse(phone.path())
    created = {"input": {"prompt": "x"}, "status": "pending", "created_at": REQUEST_TIME}
    assert phone.firestore.create(str(path), created).is_success
    document_once(str(path), "queued")
    lease = {"token": TOKEN, "worker_id": None, "expires_at": None}
    firestore_client.document(str(path)).update({"status": "completed", "lease": lease})
    its_own = [path.object_name(token, "0.png") for token in (TOKEN - 1, TOKEN)]
    later = path.object_name(TOKEN + 1, "0.png")
    photo = f"users/{phone.uid}/inputs/photo.png"
    for name in (*its_own, later, photo):
        bucket.blob(name).upload_from_string(b"x", content_type="image/png")

    assert phone.firestore.delete(str(path)).is_success

    def names() -> list[str]:
        return sorted(blob.name for blob in bucket.list_blobs(prefix=f"users/{phone.uid}/"))

    # Storage tells nobody of a removal.
    wait_until(
        lambda: not set(names()) & set(its_own),
        deadline=time.monotonic() + CHANGE_TIMEOUT_SECONDS,
        check=lambda: None,
    )
    assert names() == sorted([later, photo])
    for name in (later, photo):
        bucket.blob(name).delete()
