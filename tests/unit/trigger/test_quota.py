"""Accepting under quotas, on in-memory ports, with everything that may happen in between."""

from collections.abc import Callable
from typing import Any

import pytest

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import Nothing, take
from shared.claim import MAX_ATTEMPTS
from shared.document import Generation
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, GenerationPath
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.accepting import (
    COST,
    LIMITS,
    TODAY,
    USAGE,
    accept,
    by_another_function,
    nothing,
    path_of,
    store,
)
from tests.unit.trigger.meddling import CREATED, PATH, document_of
from trigger.enqueue import Outcome
from trigger.settling import Settled, settle


def claim(documents: InMemoryDocuments, clock: ManualClock, name: str = "g1") -> LeasedDocument:
    taken = take(
        documents,
        clock,
        GenerationPath.parse(path_of(name)),
        worker_id="w",
        on_cancel_requested=lambda: None,
    )
    assert isinstance(taken, LeasedDocument)
    return taken


def test_what_is_accepted_is_reserved_in_both_documents(publisher: InMemoryPublisher) -> None:
    documents = store()
    assert accept(documents, publisher) is Outcome.ACCEPTED
    assert document_of(documents)["charge"] == {"credits": COST, "day": TODAY, "state": "reserved"}
    usage = document_of(documents, USAGE)
    assert usage["spent"] == {TODAY: COST}
    assert usage["reserved"] == {"g1": {"credits": COST, "day": TODAY}}
    assert usage["updated_at"] == START


def test_an_event_that_comes_again_reserves_nothing(publisher: InMemoryPublisher) -> None:
    documents = store()
    accept(documents, publisher)
    before = document_of(documents, USAGE)
    assert accept(documents, publisher) is Outcome.ALREADY_DONE
    assert document_of(documents, USAGE) == before


def test_what_is_too_much_fails_with_what_is_left_and_no_worker_hears_of_it(
    publisher: InMemoryPublisher,
) -> None:
    documents = store("a", "b", "c")
    outcomes = [accept(documents, publisher, name) for name in ("a", "b", "c")]
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.OVER_QUOTA]
    refused = document_of(documents, path_of("c"))
    assert refused["status"] == "failed"
    assert refused["error"]["code"] == "quota_exceeded"
    assert refused["error"]["quota"]["limit"] == "concurrent"
    assert "charge" not in refused
    assert document_of(documents, USAGE)["spent"] == {TODAY: 2 * COST}
    assert len(publisher.published[IMAGE_TOPIC]) == 2


def test_a_day_s_credits_are_used_up_by_what_completed_and_not_by_what_failed(
    publisher: InMemoryPublisher,
) -> None:
    clock = ManualClock()
    documents = InMemoryDocuments(clock)
    endings: dict[str, Callable[[Generation], Any]] = {
        "a": lambda it: it.to_completed({}, {}, {}),
        "b": Generation.to_cancelled,
        "c": lambda it: it.to_completed({}, {}, {}),
    }
    for name, ending in endings.items():
        documents.create(path_of(name), CREATED)
        assert accept(documents, publisher, name) is Outcome.ACCEPTED
        claim(documents, clock, name).end(ending)
    usage = document_of(documents, USAGE)
    assert (usage["spent"], usage["reserved"]) == ({TODAY: 2 * COST}, {})
    documents.create(path_of("d"), CREATED)
    assert accept(documents, publisher, "d") is Outcome.OVER_QUOTA
    assert document_of(documents, path_of("d"))["error"]["quota"]["left"] == 5


def test_a_request_that_breaks_the_contract_or_was_cancelled_reserves_nothing(
    publisher: InMemoryPublisher,
) -> None:
    documents = store(input={})
    assert accept(documents, publisher) is Outcome.REFUSED
    cancelled = store(cancel_requested=True)
    assert accept(cancelled, publisher) is Outcome.CANCELLED
    assert documents.read(USAGE) is None
    assert cancelled.read(USAGE) is None


def test_without_quotas_nothing_is_counted(publisher: InMemoryPublisher) -> None:
    documents = store()
    assert accept(documents, publisher, limits=None) is Outcome.ACCEPTED
    assert "charge" not in document_of(documents)
    assert documents.read(USAGE) is None
    leased = claim(documents, ManualClock())
    leased.end(lambda it: it.to_completed({}, {}, {}))
    assert documents.read(USAGE) is None


def test_a_worker_works_on_nothing_that_is_not_reserved(publisher: InMemoryPublisher) -> None:
    documents = store()
    path = GenerationPath.parse(PATH)
    early = take(documents, ManualClock(), path, worker_id="w", on_cancel_requested=lambda: None)
    assert early == Nothing(why="it is pending")
    assert accept(documents, publisher) is Outcome.ACCEPTED
    assert len(publisher.published[IMAGE_TOPIC]) == 1


@pytest.mark.parametrize(
    ("fields", "settled"),
    [
        ({"cancel_requested": True}, Settled.CANCELLED),
        ({"attempt": MAX_ATTEMPTS, "sweep_after": None}, Settled.FAILED),
        ({"input": {"prompt": 5}, "sweep_after": None}, Settled.FAILED),
    ],
)
def test_what_the_sweep_ends_is_given_back(
    publisher: InMemoryPublisher, fields: dict[str, Any], settled: Settled
) -> None:
    documents = store()
    accept(documents, publisher)
    documents.write(**fields)
    assert settle(PATH, documents=documents, publisher=publisher) is settled
    assert document_of(documents)["charge"]["state"] == "refunded"
    usage = document_of(documents, USAGE)
    assert (usage["spent"], usage["reserved"]) == ({TODAY: 0}, {})


@pytest.mark.parametrize(
    "fields", [{"cancel_requested": True}, {"attempt": MAX_ATTEMPTS}, {"input": "x" * 950_000}]
)
def test_what_a_worker_ends_without_a_claim_is_given_back(
    publisher: InMemoryPublisher, fields: dict[str, Any]
) -> None:
    documents = store()
    accept(documents, publisher)
    documents.write(**fields)
    path = GenerationPath.parse(PATH)
    take(documents, ManualClock(), path, worker_id="w", on_cancel_requested=lambda: None)
    assert document_of(documents)["charge"]["state"] == "refunded"
    usage = document_of(documents, USAGE)
    assert (usage["spent"], usage["reserved"]) == ({TODAY: 0}, {})


def test_a_result_is_not_lost_because_its_owner_s_usage_changes_meanwhile(
    publisher: InMemoryPublisher,
) -> None:
    clock = ManualClock()
    documents = store("g1", "g2")
    accept(documents, publisher)
    leased = claim(documents, clock)
    documents.meddlings = [by_another_function("g2"), nothing]
    leased.end(lambda it: it.to_completed({}, {}, {}))
    assert document_of(documents)["status"] == "completed"
    usage = document_of(documents, USAGE)
    assert usage["spent"] == {TODAY: 2 * COST}
    assert set(usage["reserved"]) == {"g2"}


def test_an_end_that_lost_its_race_gives_nothing_back(publisher: InMemoryPublisher) -> None:
    clock = ManualClock()
    documents = InMemoryDocuments(clock)
    documents.create(PATH, CREATED)
    accept(documents, publisher)
    first = claim(documents, clock)
    clock.advance(31)
    second = claim(documents, clock)
    second.end(lambda it: it.to_completed({}, {}, {}))
    before = document_of(documents, USAGE)
    with pytest.raises(Exception, match="window"):
        first.end(Generation.to_cancelled)
    assert document_of(documents, USAGE) == before


def test_who_cancels_at_the_last_step_again_and_again_gets_two_days_work_and_no_more(
    publisher: InMemoryPublisher,
) -> None:
    """A worker has drawn nearly all of it by then, and its previews were to be seen."""
    clock = ManualClock()
    documents = InMemoryDocuments(clock)
    worked, outcome = 0, Outcome.ACCEPTED
    while outcome is Outcome.ACCEPTED and worked < 10 * LIMITS.daily_credits:
        documents.create(PATH, CREATED)
        outcome = accept(documents, publisher)
        if outcome is Outcome.ACCEPTED:
            claim(documents, clock).end(Generation.to_cancelled)
            worked += COST
            documents.delete(PATH)
    assert outcome is Outcome.OVER_QUOTA
    assert worked <= 2 * LIMITS.daily_credits
    assert document_of(documents, USAGE)["reserved"] == {}
    quota = document_of(documents)["error"]["quota"]
    assert quota["renews_at"] == document_of(documents, USAGE)["renews_at"]
