"""Whoever ends a generation notes in the same commit that its owner's devices are to be told."""

from typing import Any

import pytest

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from shared.document import Generation
from shared.errors import ErrorCode, GenerationError
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import GenerationPath
from shared.usage import Limits
from tests.unit.lifecycle.world import ManualClock
from tests.unit.trigger.meddling import CREATED, PATH, document_of
from tests.unit.trigger.sweeping import Deployment, pending, processing, queued
from trigger.enqueue import Outcome, enqueue

NOTICE = "users/ann/notices/g1"
LITTLE = Limits(concurrent=1, daily_credits=1)


def accept(documents: InMemoryDocuments, publisher: InMemoryPublisher, **changed: Any) -> Outcome:
    given: dict[str, Any] = {"documents": documents, "publisher": publisher, "notify": True}
    return enqueue(PATH, CREATED, **{**given, **changed})


def created(**fields: Any) -> InMemoryDocuments:
    documents = InMemoryDocuments(ManualClock())
    documents.create(PATH, {**CREATED, **fields})
    return documents


def claimed(documents: InMemoryDocuments, clock: ManualClock) -> LeasedDocument:
    path = GenerationPath.parse(PATH)
    held = take(documents, clock, path, worker_id="w", on_cancel_requested=lambda: None)
    assert isinstance(held, LeasedDocument)
    return held


def test_an_accepted_one_is_marked_and_not_noted_yet(publisher: InMemoryPublisher) -> None:
    documents = created()
    assert accept(documents, publisher) is Outcome.ACCEPTED
    assert document_of(documents)["notify"] is True
    assert documents.read(NOTICE) is None


def test_without_notifications_nothing_is_marked_or_noted(publisher: InMemoryPublisher) -> None:
    for request in ({"prompt": "a red circle"}, {}):
        documents = created(input=request)
        accept(documents, publisher, notify=False)
        assert "notify" not in document_of(documents)
        assert documents.read(NOTICE) is None


@pytest.mark.parametrize(
    ("fields", "changed", "outcome"),
    [
        ({"input": {"prompt": "x", "steps": 7}}, {}, Outcome.REFUSED),
        ({}, {"limits": LITTLE}, Outcome.OVER_QUOTA),
    ],
)
def test_one_that_the_function_fails_is_noted(
    publisher: InMemoryPublisher,
    fields: dict[str, Any],
    changed: dict[str, Any],
    outcome: Outcome,
) -> None:
    documents = created(**fields)
    assert accept(documents, publisher, **changed) is outcome
    failed, notice = documents.read(PATH), documents.read(NOTICE)
    assert failed is not None
    assert notice is not None
    # One commit: one version.
    assert (failed.data["status"], failed.version) == ("failed", notice.version)
    assert set(notice.data) == {"at", "again_after"}


def test_one_that_its_owner_cancels_is_not(publisher: InMemoryPublisher) -> None:
    documents = created(cancel_requested=True)
    assert accept(documents, publisher) is Outcome.CANCELLED
    assert documents.read(NOTICE) is None


def test_an_event_that_comes_again_notes_nothing_again(publisher: InMemoryPublisher) -> None:
    documents = created(input={})
    accept(documents, publisher)
    documents.delete(NOTICE)
    assert accept(documents, publisher) is Outcome.ALREADY_DONE
    assert documents.read(NOTICE) is None


def test_whatever_the_worker_ends_it_with_is_noted_in_that_commit(
    publisher: InMemoryPublisher,
) -> None:
    failure = GenerationError(ErrorCode.INTERNAL, "no")
    for end in (
        lambda it: it.to_completed({"files": []}, {}, {}),
        lambda it: it.to_failed(failure),
    ):
        clock = ManualClock()
        documents = InMemoryDocuments(clock)
        documents.create(PATH, CREATED)
        accept(documents, publisher)
        held = claimed(documents, clock)
        held.end(end)
        ended, notice = documents.read(PATH), documents.read(NOTICE)
        assert ended is not None
        assert notice is not None
        assert ended.version == notice.version


def test_what_a_worker_gives_back_or_tries_again_is_not_noted() -> None:
    path = GenerationPath.parse(PATH)
    generation = Generation.from_document(path, {**processing(0), "notify": True})
    error = GenerationError(ErrorCode.INTERNAL, "no")
    for changes in (
        generation.to_retry(error),
        generation.to_retry(None),
        generation.to_cancelled(),
    ):
        assert generation.beside(changes) == ()


def test_what_the_sweep_ends_or_accepts_is_noted_as_if_nothing_had_been_lost() -> None:
    deployment = Deployment()
    exhausted = {"attempt": 3, "notify": True}
    deployment.put(
        late=pending(), bad={**pending(), "input": {}}, dead=processing(999, **exhausted),
        quiet=processing(999, attempt=3), gone=queued(cancel_requested=True, notify=True),
    )  # fmt: skip
    deployment.sweep(notify=True)
    noted = deployment.documents.below("notices", anywhere=True)
    assert sorted(noted) == ["users/ann/notices/bad", "users/ann/notices/dead"]
    late = deployment.documents.read("users/ann/generations/late")
    assert late is not None
    assert late.data["notify"] is True
