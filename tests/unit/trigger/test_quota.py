"""Accepting under quotas, on in-memory ports, with everything that may happen in between."""

from collections.abc import Callable
from typing import Any

import pytest

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import Nothing, take
from shared.claim import MAX_ATTEMPTS
from shared.document import Generation
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.ports import Conflict
from shared.usage import CONCURRENT, Limits
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.test_enqueue import CREATED, PATH, MeddledDocuments
from trigger.enqueue import MAX_CONFLICTS, Outcome, enqueue
from trigger.settling import Settled, settle

USAGE = "users/ann/account/usage"
TODAY = START.date().isoformat()
LIMITS = Limits(concurrent=2, daily_credits=25)
COST = 10


@pytest.fixture
def publisher() -> InMemoryPublisher:
    return InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))


def path_of(name: str) -> str:
    return str(GenerationPath(uid="ann", generation_id=name))


def data(documents: InMemoryDocuments, path: str = PATH) -> dict[str, Any]:
    snapshot = documents.read(path)
    assert snapshot is not None
    return dict(snapshot.data)


def store(
    *names: str, meddlings: tuple[Callable[[MeddledDocuments], None], ...] = (), **fields: Any
) -> MeddledDocuments:
    documents = MeddledDocuments(*meddlings, clock=ManualClock())
    for name in names or ("g1",):
        documents.create(path_of(name), {**CREATED, **fields})
    return documents


def accept(
    documents: InMemoryDocuments,
    publisher: InMemoryPublisher,
    name: str = "g1",
    limits: Limits | None = LIMITS,
) -> Outcome:
    return enqueue(path_of(name), CREATED, documents=documents, publisher=publisher, limits=limits)


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
    assert data(documents)["charge"] == {"credits": COST, "day": TODAY, "state": "reserved"}
    usage = data(documents, USAGE)
    assert usage["spent"] == {TODAY: COST}
    assert usage["reserved"] == {"g1": {"credits": COST, "day": TODAY}}
    assert usage["updated_at"] == START


def test_an_event_that_comes_again_reserves_nothing(publisher: InMemoryPublisher) -> None:
    documents = store()
    accept(documents, publisher)
    before = data(documents, USAGE)
    assert accept(documents, publisher) is Outcome.ALREADY_DONE
    assert data(documents, USAGE) == before


def test_what_is_too_much_fails_with_what_is_left_and_no_worker_hears_of_it(
    publisher: InMemoryPublisher,
) -> None:
    documents = store("a", "b", "c")
    outcomes = [accept(documents, publisher, name) for name in ("a", "b", "c")]
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.OVER_QUOTA]
    refused = data(documents, path_of("c"))
    assert refused["status"] == "failed"
    assert refused["error"]["code"] == "quota_exceeded"
    assert refused["error"]["quota"]["limit"] == "concurrent"
    assert "charge" not in refused
    assert data(documents, USAGE)["spent"] == {TODAY: 2 * COST}
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
    usage = data(documents, USAGE)
    assert (usage["spent"], usage["reserved"]) == ({TODAY: 2 * COST}, {})
    documents.create(path_of("d"), CREATED)
    assert accept(documents, publisher, "d") is Outcome.OVER_QUOTA
    assert data(documents, path_of("d"))["error"]["quota"]["left"] == 5


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
    assert "charge" not in data(documents)
    assert documents.read(USAGE) is None
    leased = claim(documents, ManualClock())
    leased.end(lambda it: it.to_completed({}, {}, {}))
    assert documents.read(USAGE) is None


def nothing(_: MeddledDocuments) -> None:
    """Nobody acts."""


def by_another_function(name: str, limits: Limits = LIMITS) -> Callable[[MeddledDocuments], None]:
    """Another generation of the same person is accepted right before this one is written."""

    def meddle(documents: MeddledDocuments) -> None:
        accept(documents, InMemoryPublisher((IMAGE_TOPIC,)), name, limits)

    return meddle


def test_two_at_the_same_time_are_both_reserved(publisher: InMemoryPublisher) -> None:
    documents = store("g1", "g2", meddlings=(by_another_function("g2"),))
    assert accept(documents, publisher) is Outcome.ACCEPTED
    usage = data(documents, USAGE)
    assert usage["spent"] == {TODAY: 2 * COST}
    assert set(usage["reserved"]) == {"g1", "g2"}


def test_the_last_place_is_given_once(publisher: InMemoryPublisher) -> None:
    documents = store("g1", "g2", meddlings=(by_another_function("g2"),))
    limits = Limits(concurrent=1, daily_credits=100)
    assert accept(documents, publisher, limits=limits) is Outcome.OVER_QUOTA
    assert data(documents, path_of("g2"))["status"] == "queued"
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_usage_document_that_goes_away_in_between_is_made_anew(
    publisher: InMemoryPublisher,
) -> None:
    documents = store("g1", "g2", meddlings=(nothing, lambda it: it.delete(USAGE)))
    accept(documents, publisher, "g2")
    assert accept(documents, publisher) is Outcome.ACCEPTED
    assert set(data(documents, USAGE)["reserved"]) == {"g1"}


def test_as_many_at_once_as_there_are_places_find_theirs(publisher: InMemoryPublisher) -> None:
    others = [f"other{number}" for number in range(CONCURRENT - 1)]
    limits = Limits()
    meddlings: list[Callable[[MeddledDocuments], None]] = []
    for name in others:
        # Before each try of this one another is accepted, whose own write is not meddled with.
        meddlings += [by_another_function(name, limits), nothing]
    documents = store("g1", *others, meddlings=tuple(meddlings))
    assert accept(documents, publisher, limits=limits) is Outcome.ACCEPTED
    assert len(data(documents, USAGE)["reserved"]) == CONCURRENT


def test_usage_that_never_stops_changing_leaves_the_document_pending_and_nothing_reserved(
    publisher: InMemoryPublisher,
) -> None:
    def touch(documents: MeddledDocuments) -> None:
        snapshot = documents.read(USAGE)
        assert snapshot is not None
        InMemoryDocuments.update(documents, USAGE, {"note": 1}, expected=snapshot.version)

    documents = store(meddlings=(touch,) * (MAX_CONFLICTS + 1))
    documents.create(USAGE, {})
    with pytest.raises(Conflict):
        accept(documents, publisher)
    assert data(documents)["status"] == "pending"
    assert "reserved" not in data(documents, USAGE)
    assert accept(documents, publisher) is Outcome.ACCEPTED


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
    assert data(documents)["charge"]["state"] == "refunded"
    usage = data(documents, USAGE)
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
    assert data(documents)["charge"]["state"] == "refunded"
    usage = data(documents, USAGE)
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
    assert data(documents)["status"] == "completed"
    usage = data(documents, USAGE)
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
    before = data(documents, USAGE)
    with pytest.raises(Exception, match="window"):
        first.end(Generation.to_cancelled)
    assert data(documents, USAGE) == before


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
    assert data(documents, USAGE)["reserved"] == {}
    assert data(documents)["error"]["quota"]["renews_at"] == data(documents, USAGE)["renews_at"]
