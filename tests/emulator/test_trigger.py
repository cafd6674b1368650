"""The function on the real emulators: what a phone creates arrives, and what is wrong is said."""

from datetime import datetime
from typing import Any

import pytest
from google.cloud import firestore

from shared.ports import Snapshot
from tests.emulator.conftest import Await, Ear, Phone
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
