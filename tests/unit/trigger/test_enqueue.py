"""The use case on in-memory ports, with everything that may happen between its steps."""

import pytest

from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.ports import Conflict, Unavailable
from shared.sweeping import QUEUED_SECONDS
from tests.unit.lifecycle.world import ManualClock
from tests.unit.trigger.meddling import (
    CREATED,
    PATH,
    FailingPublisher,
    MeddledDocuments,
    document_of,
    paths_on,
    run,
)
from trigger.enqueue import MAX_CONFLICTS, Outcome, enqueue
from trigger.settling import Settled, settle


def test_a_good_document_is_published_and_queued(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.ACCEPTED
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]
    document = document_of(documents)
    assert document["status"] == "queued"
    assert document["queued_at"] == document["updated_at"]


def test_the_message_holds_ids_and_no_prompt(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, CREATED)
    run(documents, publisher)
    assert b"circle" not in publisher.published[IMAGE_TOPIC][0]


def test_a_bad_document_fails_and_nothing_is_published(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    bad = {**CREATED, "input": {"prompt": 5}}
    documents.create(PATH, bad)
    assert run(documents, publisher, bad) is Outcome.REFUSED
    assert document_of(documents)["error"]["message"].startswith("prompt is 5; it must be")
    assert publisher.published == {IMAGE_TOPIC: [], VIDEO_TOPIC: []}


def test_a_prompt_that_is_not_allowed_is_an_outcome_of_its_own(
    publisher: InMemoryPublisher,
) -> None:
    """Whoever reads the log tells one who tries again and again from one who mistypes."""
    documents = InMemoryDocuments()
    documents.create(PATH, {**CREATED, "input": {"prompt": "a green hill"}})
    admission = Admission(prompts=BlockedTerms.of(["green"]))
    outcome = enqueue(PATH, CREATED, documents=documents, publisher=publisher, admission=admission)
    assert outcome is Outcome.CONTENT_REJECTED
    assert document_of(documents)["error"]["code"] == "content_rejected"
    assert publisher.published == {IMAGE_TOPIC: [], VIDEO_TOPIC: []}


def test_a_document_cancelled_before_the_event_never_starts(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, {**CREATED, "cancel_requested": True})
    assert run(documents, publisher) is Outcome.CANCELLED
    assert document_of(documents)["status"] == "cancelled"
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_second_event_publishes_nothing_and_writes_nothing(publisher: InMemoryPublisher) -> None:
    documents = InMemoryDocuments()
    documents.create(PATH, CREATED)
    run(documents, publisher)
    before = documents.read(PATH)
    assert run(documents, publisher) is Outcome.ALREADY_DONE
    after = documents.read(PATH)
    assert before is not None
    assert after is not None
    assert after.version == before.version
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


def test_a_deleted_document_is_left_alone(publisher: InMemoryPublisher) -> None:
    assert run(InMemoryDocuments(), publisher) is Outcome.GONE
    assert publisher.published[IMAGE_TOPIC] == []


def test_the_message_goes_out_after_the_mark(publisher: InMemoryPublisher) -> None:
    documents = MeddledDocuments(lambda _: seen.append(len(publisher.published[IMAGE_TOPIC])))
    seen: list[int] = []
    documents.create(PATH, CREATED)
    run(documents, publisher)
    assert seen == [0]


@pytest.mark.parametrize("status", ["queued", "processing", "completed"])
def test_a_mark_whose_reply_was_lost_is_published_however_far_it_got(
    publisher: InMemoryPublisher, status: str
) -> None:
    # To the adapter's second try our own mark is a conflict, as another function's would be.
    documents = MeddledDocuments(lambda it: it.write(status=status))
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.ACCEPTED
    assert document_of(documents)["status"] == status
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


def test_a_cancellation_before_the_mark_is_honoured(
    publisher: InMemoryPublisher,
) -> None:
    documents = MeddledDocuments(lambda it: it.write(cancel_requested=True))
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.CANCELLED
    assert document_of(documents)["status"] == "cancelled"
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_document_deleted_before_the_mark_stays_deleted(
    publisher: InMemoryPublisher,
) -> None:
    documents = MeddledDocuments(lambda it: it.delete(PATH))
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.GONE
    assert documents.read(PATH) is None
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_document_that_an_admin_touches_is_published_once_however_often_the_mark_conflicts(
    publisher: InMemoryPublisher,
) -> None:
    documents = MeddledDocuments(*[lambda it: it.write(note="x")] * MAX_CONFLICTS)
    documents.create(PATH, CREATED)
    assert run(documents, publisher) is Outcome.ACCEPTED
    assert document_of(documents)["status"] == "queued"
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


def test_a_document_that_never_stops_changing_ends_in_a_conflict_and_stays_pending(
    publisher: InMemoryPublisher,
) -> None:
    documents = MeddledDocuments(*[lambda it: it.write(note="x")] * (MAX_CONFLICTS + 1))
    documents.create(PATH, CREATED)
    with pytest.raises(Conflict, match=f"changed {MAX_CONFLICTS + 1} times"):
        run(documents, publisher)
    assert document_of(documents)["status"] == "pending"


def test_a_refusal_that_conflicts_is_decided_anew(publisher: InMemoryPublisher) -> None:
    bad = {**CREATED, "input": {}}
    documents = MeddledDocuments(lambda it: it.write(cancel_requested=True))
    documents.create(PATH, bad)
    assert run(documents, publisher, bad) is Outcome.CANCELLED


def test_a_message_that_is_not_stored_is_the_sweep_s_to_publish(
    publisher: InMemoryPublisher,
) -> None:
    clock = ManualClock()
    documents = InMemoryDocuments(clock)
    documents.create(PATH, CREATED)
    with pytest.raises(Unavailable):
        run(documents, FailingPublisher((IMAGE_TOPIC,)))
    assert document_of(documents)["status"] == "queued"
    assert run(documents, publisher) is Outcome.ALREADY_DONE
    clock.advance(QUEUED_SECONDS)
    assert settle(PATH, documents=documents, publisher=publisher) is Settled.REPUBLISHED
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]


def test_a_crash_before_the_mark_is_mended_by_the_next_event(
    publisher: InMemoryPublisher,
) -> None:
    def crash(_documents: MeddledDocuments) -> None:
        raise Unavailable("the instance is gone")

    documents = MeddledDocuments(crash)
    documents.create(PATH, CREATED)
    with pytest.raises(Unavailable):
        run(documents, publisher)
    assert run(documents, publisher) is Outcome.ACCEPTED
    assert document_of(documents)["status"] == "queued"
    assert paths_on(publisher, IMAGE_TOPIC) == [PATH]
