"""The use case on in-memory ports, with everything that may happen between its steps."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shared.admission import Admission
from shared.blocked_terms import BlockedTerms
from shared.clock import Clock
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.ports import Beside, Changes, Conflict, NotInput, Rejected, Unavailable, Written
from shared.stored_size import MAX_DOCUMENT_BYTES, MAX_INPUT_BYTES
from shared.sweeping import QUEUED_SECONDS
from tests.unit.lifecycle.world import ManualClock
from trigger.enqueue import MAX_CONFLICTS, Outcome, enqueue
from trigger.settling import Settled, settle

PATH = "users/ann/generations/g1"
CREATED: dict[str, Any] = {"input": {"prompt": "a red circle"}, "status": "pending"}


class MeddledDocuments(InMemoryDocuments):
    """Somebody else acts right before each of the use case's updates."""

    def __init__(
        self, *meddlings: Callable[["MeddledDocuments"], None], clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self.meddlings = list(meddlings)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        if self.meddlings:
            self.meddlings.pop(0)(self)
        return super().update(path, changes, expected=expected, beside=beside)

    def write(self, **fields: Any) -> None:
        """What another party writes, whatever the version."""
        snapshot = self.read(PATH)
        assert snapshot is not None
        super().update(PATH, fields, expected=snapshot.version)


class FailingPublisher(InMemoryPublisher):
    def publish(self, topic: str, data: bytes) -> None:
        raise Unavailable("Pub/Sub is away")


@pytest.fixture
def publisher() -> InMemoryPublisher:
    return InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))


def document_of(documents: InMemoryDocuments) -> dict[str, Any]:
    snapshot = documents.read(PATH)
    assert snapshot is not None
    return dict(snapshot.data)


def run(
    documents: InMemoryDocuments,
    publisher: InMemoryPublisher,
    created: dict[str, Any] | None = None,
) -> Outcome:
    """One event for a document that is in the store already."""
    return enqueue(PATH, created or CREATED, documents=documents, publisher=publisher)


def paths_on(publisher: InMemoryPublisher, topic: str) -> list[str]:
    return [str(GenerationMessage.from_bytes(data).path) for data in publisher.published[topic]]


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
