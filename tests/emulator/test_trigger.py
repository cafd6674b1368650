"""The function on the real emulators: what a phone creates arrives, and what is wrong is said."""

from datetime import datetime
from queue import Queue
from threading import Event
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.ports import Snapshot
from shared.stored_size import MAX_DOCUMENT_BYTES
from tests.emulator.conftest import CHANGE_TIMEOUT_SECONDS, Await, Ear, Phone
from tests.rules.firestore_rest import REQUEST_TIME
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.pubsub import PubSubPublisher
from trigger.enqueue import Outcome, enqueue

pytestmark = pytest.mark.stack


def new(**given: Any) -> dict[str, Any]:
    return {"input": given, "status": "pending", "created_at": REQUEST_TIME}


def create(phone: Phone, fields: dict[str, Any]) -> str:
    path = phone.path()
    answer = phone.firestore.create(path, fields)
    assert answer.is_success, answer.text
    return path


def test_a_picture_that_a_phone_asks_for_is_published_and_queued(
    phone: Phone, image_ear: Ear, document_once: Await
) -> None:
    path = create(phone, new(prompt="a red circle"))
    assert image_ear.hear(path) == [path]
    document = document_once(path, "queued")
    assert isinstance(document["queued_at"], datetime)
    assert document["updated_at"] == document["queued_at"]
    assert document["input"] == {"prompt": "a red circle"}
    assert "error" not in document


def test_a_film_goes_to_the_other_topic(
    phone: Phone, image_ear: Ear, video_ear: Ear, document_once: Await
) -> None:
    path = create(phone, new(task_type="text2video", prompt="a circle that grows"))
    assert video_ear.hear(path) == [path]
    document_once(path, "queued")
    assert image_ear.heard_by_now() == []


def test_a_request_without_a_prompt_fails_with_a_sentence_and_is_not_published(
    phone: Phone, image_ear: Ear, document_once: Await
) -> None:
    path = create(phone, new(promt="a red circle"))
    document = document_once(path, "failed")
    assert document["error"] == {
        "code": "invalid_input",
        "message": "prompt is missing; it must be a non-blank text of at most 2000 characters. "
        "promt is not a parameter of this task; did you mean prompt?",
        "retryable": False,
    }
    assert isinstance(document["completed_at"], datetime)
    assert image_ear.heard_by_now() == []


def test_a_request_in_the_name_of_another_user_fails(phone: Phone, document_once: Await) -> None:
    path = create(phone, new(prompt="a red circle", user_id="somebody-else"))
    document = document_once(path, "failed")
    assert document["error"]["message"].startswith('user_id is "somebody-else"; it must be')


def test_a_document_that_an_admin_made_without_a_status_fails(
    firestore_client: firestore.Client, phone: Phone, document_once: Await
) -> None:
    path = phone.path()
    firestore_client.document(path).create({"input": {"prompt": "a red circle"}})
    document = document_once(path, "failed")
    assert document["error"]["message"] == "status is 'None'; a new generation's must be 'pending'."


def test_a_request_that_refers_to_another_project_fails_and_is_not_in_the_function_s_log(
    stack: Stack, firestore_client: firestore.Client, phone: Phone
) -> None:
    other = firestore.Client(project="other", credentials=AnonymousCredentials())
    given = {"prompt": "x", "a": other.document("a-secret-collection/b")}
    other.close()
    listening = Event()
    ended: Queue[dict[str, Any]] = Queue()

    def on_change(documents: list[Any], _changes: object, _read_time: object) -> None:
        for document in documents:
            ended.put(document.to_dict())
        listening.set()

    # The library's listener cannot decode the input either, so it asks for the rest.
    generations = firestore_client.collection(f"users/{phone.uid}/generations")
    failed = generations.where(filter=FieldFilter("status", "==", "failed"))
    watch = failed.select(["status", "error"]).on_snapshot(on_change)
    try:
        # The emulator's listeners miss what is committed while they are being added.
        assert listening.wait(CHANGE_TIMEOUT_SECONDS)
        firestore_client.document(phone.path()).create({"input": given, "status": "pending"})
        document = ended.get(timeout=CHANGE_TIMEOUT_SECONDS)
    finally:
        watch.unsubscribe()
    assert document["error"]["message"].startswith("input holds a value that cannot be read")
    logs = "".join(
        file.read_text("utf-8", "replace") for file in stack.log_files.values() if file.exists()
    )
    assert "a-secret-collection" not in logs


def test_a_document_as_big_as_a_document_may_be_fails_with_a_sentence(
    phone: Phone, image_ear: Ear, document_once: Await
) -> None:
    url = "data:image/png;base64," + "A" * (MAX_DOCUMENT_BYTES - 400)
    path = create(phone, new(prompt="x", image_url=url))
    document = document_once(path, "failed")
    assert "it must take at most 900 KiB" in document["error"]["message"]
    assert document["input"] == {}
    assert image_ear.heard_by_now() == []


def test_a_second_delivery_of_the_event_publishes_nothing_and_changes_nothing(
    firestore_client: firestore.Client,
    publisher: PubSubPublisher,
    phone: Phone,
    image_ear: Ear,
    document_once: Await,
) -> None:
    path = create(phone, new(prompt="a red circle"))
    image_ear.hear(path)
    document_once(path, "queued")
    documents = FirestoreDocuments(firestore_client)
    before = read(documents, path)

    outcome = enqueue(
        path,
        {"input": {"prompt": "a red circle"}, "status": "pending"},
        documents=documents,
        publisher=publisher,
    )

    assert outcome is Outcome.ALREADY_DONE
    assert image_ear.heard_by_now() == []
    assert read(documents, path).version == before.version


def test_nothing_of_the_request_is_in_the_functions_log(
    stack: Stack, phone: Phone, document_once: Await
) -> None:
    good = create(phone, new(prompt="a secret prompt of ours"))
    bad = create(phone, new(prompt="a secret prompt of ours", scheduler="a-secret-scheduler"))
    document_once(good, "queued")
    document_once(bad, "failed")
    # The line of an event is written before the platform hears that it ended; later events of the
    # same instance come after it.
    document_once(create(phone, new()), "failed")
    logs = "".join(
        file.read_text("utf-8", "replace") for file in stack.log_files.values() if file.exists()
    )
    assert good in logs
    assert "a secret prompt" not in logs
    assert "a-secret-scheduler" not in logs


def read(documents: FirestoreDocuments, path: str) -> Snapshot:
    snapshot = documents.read(path)
    assert snapshot is not None
    return snapshot
