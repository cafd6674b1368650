"""Documents that can hardly be written again: too big, unreadable, or refused by the store."""

from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC
from shared.ports import NotInput, Rejected
from shared.stored_size import MAX_DOCUMENT_BYTES, MAX_INPUT_BYTES
from tests.unit.trigger.meddling import CREATED, PATH, MeddledDocuments, document_of, run
from trigger.enqueue import Outcome


def full(**fields: Any) -> dict[str, Any]:
    """A document that takes all the room there is but for a few bytes."""
    return {
        **CREATED,
        "input": {"prompt": "x", "image_url": "x" * (MAX_DOCUMENT_BYTES - 200)},
    } | fields


def reject(_documents: MeddledDocuments) -> None:
    raise Rejected("it would have too many index entries")


def test_a_document_that_has_no_room_for_its_end_fails_and_is_emptied(
    publisher: InMemoryPublisher,
) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, full())
    snapshot = documents.read(PATH)
    assert snapshot is not None
    with pytest.raises(Rejected):
        documents.update(PATH, {"error": "x" * 200}, expected=snapshot.version)
    assert run(documents, publisher) is Outcome.REFUSED
    document = document_of(documents)
    assert (document["status"], document["input"]) == ("failed", {})
    assert document["error"]["code"] == "invalid_input"
    assert "it must take at most 900 KiB" in document["error"]["message"]
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_document_without_room_that_is_cancelled_is_cancelled(
    publisher: InMemoryPublisher,
) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, full(cancel_requested=True))
    assert run(documents, publisher) is Outcome.CANCELLED
    document = document_of(documents)
    assert (document["status"], document["input"]) == ("cancelled", {})


def test_an_input_just_within_the_bound_is_judged_by_what_it_says(
    publisher: InMemoryPublisher,
) -> None:
    documents = InMemoryDocuments()
    given = {"prompt": "x" * (MAX_INPUT_BYTES - len("prompt") - 2)}
    documents.create(PATH, {**CREATED, "input": given})
    assert run(documents, publisher) is Outcome.REFUSED
    document = document_of(documents)
    assert document["input"] == given
    assert "it must be a non-blank text of at most 2000 characters" in document["error"]["message"]


def test_a_mark_that_the_store_will_never_take_ends_the_generation(
    publisher: InMemoryPublisher,
) -> None:
    documents = MeddledDocuments(reject)
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.REFUSED
    document = document_of(documents)
    assert (document["status"], document["input"]) == ("failed", {})
    assert document["error"]["code"] == "invalid_input"


def test_a_store_that_takes_not_even_the_end_is_asked_twice(publisher: InMemoryPublisher) -> None:
    documents = MeddledDocuments(reject, reject)
    documents.create(PATH, CREATED)
    with pytest.raises(Rejected):
        run(documents, publisher)
    assert documents.meddlings == []


def test_an_input_that_cannot_be_read_fails_with_a_sentence(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, {**CREATED, "input": NotInput.UNREADABLE})
    assert run(documents, publisher) is Outcome.REFUSED
    message = document_of(documents)["error"]["message"]
    assert message.startswith("input holds a value that cannot be read, such as a reference")
    assert publisher.published[IMAGE_TOPIC] == []
