"""One overdue document on in-memory ports, with everything that may happen between the steps."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.claim import MAX_ATTEMPTS, Claim, decide_claim
from shared.document import Generation
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.ports import Conflict, Rejected, Unavailable
from shared.sweeping import QUEUED_SECONDS
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.meddling import (
    PATH,
    FailingPublisher,
    MeddledDocuments,
    document_of,
    paths_on,
)
from trigger.compare_and_set import MAX_CONFLICTS
from trigger.settling import Settled, settle

LONG_AGO = START - timedelta(seconds=QUEUED_SECONDS)
QUEUED: dict[str, Any] = {
    "input": {"prompt": "a red circle"},
    "status": "queued",
    "queued_at": LONG_AGO,
    "sweep_after": LONG_AGO,
}
LAPSED: dict[str, Any] = {
    "input": {"task_type": "text2video", "prompt": "a circle that grows"},
    "status": "processing",
    "attempt": 1,
    "lease": {"token": 4, "worker_id": "w", "expires_at": LONG_AGO},
}


def holding(
    fields: dict[str, Any], *meddlings: Callable[[MeddledDocuments], None]
) -> MeddledDocuments:
    documents = MeddledDocuments(*meddlings, clock=ManualClock())
    documents.create(PATH, fields)
    return documents


def settled(documents: InMemoryDocuments, publisher: InMemoryPublisher) -> Settled:
    return settle(PATH, documents=documents, publisher=publisher)


def claim(documents: MeddledDocuments) -> None:
    """A worker does, whatever the sweep has in mind."""
    path = GenerationPath.parse(PATH)
    generation = Generation.from_document(path, document_of(documents))
    decision = decide_claim(generation, worker_id="quick", server_now=START)
    assert isinstance(decision, Claim)
    documents.write(**decision.changes)


def cancel(documents: MeddledDocuments) -> None:
    documents.write(cancel_requested=True)


def reject(_documents: MeddledDocuments) -> None:
    raise Rejected("it would be too big")


def test_a_lost_message_is_published_again_and_the_document_says_when_to_look_next(
    publisher: InMemoryPublisher,
) -> None:
    documents = holding(QUEUED)
    assert settled(documents, publisher) is Settled.REPUBLISHED
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]
    document = document_of(documents)
    assert document["status"] == "queued"
    assert document["sweep_after"] == START
    assert settled(documents, publisher) is Settled.LET_BE
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


def test_a_generation_whose_worker_is_gone_is_queued_and_published_to_its_topic(
    publisher: InMemoryPublisher,
) -> None:
    documents = holding(LAPSED)
    assert settled(documents, publisher) is Settled.RESCUED
    assert paths_on(publisher, VIDEO_TOPIC) == [PATH]
    document = document_of(documents)
    assert (document["status"], document["attempt"]) == ("queued", 1)
    assert document["lease"] == {"token": 4, "worker_id": None, "expires_at": None}
    assert document["error"]["code"] == "worker_lost"


@pytest.mark.parametrize("fields", [QUEUED, LAPSED])
def test_what_used_up_its_attempts_fails_and_is_not_published(
    publisher: InMemoryPublisher, fields: dict[str, Any]
) -> None:
    documents = holding({**fields, "attempt": MAX_ATTEMPTS})
    assert settled(documents, publisher) is Settled.FAILED
    assert document_of(documents)["error"]["code"] == "attempts_exhausted"
    assert publisher.published == {IMAGE_TOPIC: [], VIDEO_TOPIC: []}


@pytest.mark.parametrize("fields", [QUEUED, LAPSED, {**QUEUED, "status": "pending"}])
def test_what_was_cancelled_ends_and_is_not_published(
    publisher: InMemoryPublisher, fields: dict[str, Any]
) -> None:
    documents = holding({**fields, "cancel_requested": True})
    assert settled(documents, publisher) is Settled.CANCELLED
    assert document_of(documents)["status"] == "cancelled"
    assert publisher.published == {IMAGE_TOPIC: [], VIDEO_TOPIC: []}


@pytest.mark.parametrize("fields", [QUEUED, LAPSED])
def test_a_worker_that_is_faster_keeps_its_claim(
    publisher: InMemoryPublisher, fields: dict[str, Any]
) -> None:
    documents = holding(fields, claim)
    assert settled(documents, publisher) is Settled.REPUBLISHED
    document = document_of(documents)
    assert (document["status"], document["lease"]["worker_id"]) == ("processing", "quick")


def test_a_cancellation_that_comes_in_between_is_honoured(publisher: InMemoryPublisher) -> None:
    documents = holding(QUEUED, cancel)
    assert settled(documents, publisher) is Settled.CANCELLED
    assert document_of(documents)["status"] == "cancelled"


def test_a_document_deleted_in_between_stays_deleted(publisher: InMemoryPublisher) -> None:
    documents = holding(QUEUED, lambda them: them.delete(PATH))
    assert settled(documents, publisher) is Settled.LET_BE
    assert documents.read(PATH) is None


def test_of_two_sweeps_at_once_one_writes_and_both_may_publish(
    publisher: InMemoryPublisher,
) -> None:
    outcomes: list[Settled] = []
    documents = holding(QUEUED, lambda them: outcomes.append(settled(them, publisher)))
    outcomes.append(settled(documents, publisher))
    assert outcomes == [Settled.REPUBLISHED, Settled.REPUBLISHED]
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH, PATH]
    assert document_of(documents)["sweep_after"] == START


@pytest.mark.parametrize("fields", [QUEUED, LAPSED])
def test_what_cannot_be_published_stays_as_it_is_for_the_next_sweep(fields: dict[str, Any]) -> None:
    documents = holding(fields)
    with pytest.raises(Unavailable):
        settled(documents, FailingPublisher(()))
    assert document_of(documents) == fields


def test_a_document_that_keeps_changing_is_left_to_the_next_sweep(
    publisher: InMemoryPublisher,
) -> None:
    def touch(documents: MeddledDocuments) -> None:
        documents.write(touched=len(documents.meddlings))

    documents = holding(QUEUED, *[touch] * (MAX_CONFLICTS + 1))
    with pytest.raises(Conflict, match="changed 6 times"):
        settled(documents, publisher)
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


@pytest.mark.parametrize("given", [{"prompt": ""}, {}, None, {"prompt": "x", "num_images": 9}])
def test_a_request_that_breaks_the_contract_by_now_fails_with_its_sentence(
    publisher: InMemoryPublisher, given: object
) -> None:
    documents = holding({**QUEUED, "input": given})
    assert settled(documents, publisher) is Settled.FAILED
    assert document_of(documents)["error"]["code"] == "invalid_input"
    assert publisher.published == {IMAGE_TOPIC: [], VIDEO_TOPIC: []}


def test_a_write_that_the_store_will_never_take_ends_the_generation(
    publisher: InMemoryPublisher,
) -> None:
    documents = holding(LAPSED, reject)
    assert settled(documents, publisher) is Settled.FAILED
    document = document_of(documents)
    assert (document["status"], document["input"]) == ("failed", {})


def test_a_store_that_takes_not_even_the_end_is_asked_twice(publisher: InMemoryPublisher) -> None:
    documents = holding(LAPSED, reject, reject)
    with pytest.raises(Rejected):
        settled(documents, publisher)
    assert documents.meddlings == []


@pytest.mark.parametrize("path", ["users/ann/generations/with space", "elsewhere/x/generations/y"])
def test_a_document_that_is_none_of_ours_is_let_be(publisher: InMemoryPublisher, path: str) -> None:
    documents = InMemoryDocuments(ManualClock())
    documents.create(path, QUEUED)
    assert settle(path, documents=documents, publisher=publisher) is Settled.LET_BE


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "done", None])
def test_what_ended_since_it_was_found_is_let_be(
    publisher: InMemoryPublisher, status: str | None
) -> None:
    documents = holding({**QUEUED, "status": status})
    assert settled(documents, publisher) is Settled.LET_BE
    assert document_of(documents)["status"] == status
