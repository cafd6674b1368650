"""Several generations of one person accepted at the same time: each place is given once."""

from collections.abc import Callable

import pytest

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC
from shared.ports import Conflict
from shared.usage import CONCURRENT, Limits
from tests.unit.trigger.accepting import (
    COST,
    TODAY,
    USAGE,
    accept,
    by_another_function,
    nothing,
    path_of,
    store,
)
from tests.unit.trigger.meddling import MeddledDocuments, document_of
from trigger.enqueue import MAX_CONFLICTS, Outcome


def test_two_at_the_same_time_are_both_reserved(publisher: InMemoryPublisher) -> None:
    documents = store("g1", "g2", meddlings=(by_another_function("g2"),))
    assert accept(documents, publisher) is Outcome.ACCEPTED
    usage = document_of(documents, USAGE)
    assert usage["spent"] == {TODAY: 2 * COST}
    assert set(usage["reserved"]) == {"g1", "g2"}


def test_the_last_place_is_given_once(publisher: InMemoryPublisher) -> None:
    documents = store("g1", "g2", meddlings=(by_another_function("g2"),))
    limits = Limits(concurrent=1, daily_credits=100)
    assert accept(documents, publisher, limits=limits) is Outcome.OVER_QUOTA
    assert document_of(documents, path_of("g2"))["status"] == "queued"
    assert publisher.published[IMAGE_TOPIC] == []


def test_a_usage_document_that_goes_away_in_between_is_made_anew(
    publisher: InMemoryPublisher,
) -> None:
    documents = store("g1", "g2", meddlings=(nothing, lambda it: it.delete(USAGE)))
    accept(documents, publisher, "g2")
    assert accept(documents, publisher) is Outcome.ACCEPTED
    assert set(document_of(documents, USAGE)["reserved"]) == {"g1"}


def test_as_many_at_once_as_there_are_places_find_theirs(publisher: InMemoryPublisher) -> None:
    others = [f"other{number}" for number in range(CONCURRENT - 1)]
    limits = Limits()
    meddlings: list[Callable[[MeddledDocuments], None]] = []
    for name in others:
        # Before each try of this one another is accepted, whose own write is not meddled with.
        meddlings += [by_another_function(name, limits), nothing]
    documents = store("g1", *others, meddlings=tuple(meddlings))
    assert accept(documents, publisher, limits=limits) is Outcome.ACCEPTED
    assert len(document_of(documents, USAGE)["reserved"]) == CONCURRENT


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
    assert document_of(documents)["status"] == "pending"
    assert "reserved" not in document_of(documents, USAGE)
    assert accept(documents, publisher) is Outcome.ACCEPTED
