"""What a worker does with a document that a message points at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.claim import (
    MAX_ATTEMPTS,
    Claim,
    Decision,
    End,
    HeldElsewhere,
    NothingToDo,
    TooSoon,
    decide_claim,
)
from shared.document import Generation
from shared.lease import FREE, LEASE_SECONDS, Lease
from shared.ports import DELETE, SERVER_TIME
from shared.status import ALLOWED, Status
from tests.unit.shared.generations import generation

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIVE = Lease(token=4, worker_id="other", expires_at=NOW + timedelta(seconds=12))
LAPSED = Lease(token=4, worker_id="other", expires_at=NOW)


def decide(it: Generation) -> Decision:
    return decide_claim(it, worker_id="me", server_now=NOW)


def test_a_waiting_generation_is_claimed_under_the_next_token() -> None:
    lease = Lease(token=8, worker_id="me", expires_at=NOW + timedelta(seconds=LEASE_SECONDS))
    free = Lease(token=7, worker_id=None, expires_at=None)
    decision = decide(generation(lease=free, queued_at=NOW))
    assert isinstance(decision, Claim)
    assert decision.lease == lease
    assert decision.changes == {
        "status": "processing",
        "lease": lease.to_document(),
        "attempt": 1,
        "started_at": SERVER_TIME,
        "updated_at": SERVER_TIME,
        "progress": DELETE,
        "error": DELETE,
        "queue": DELETE,
        "sweep_after": DELETE,
        "not_before": DELETE,
    }


def test_a_generation_that_just_failed_is_left_alone_for_its_backoff() -> None:
    later = NOW + timedelta(seconds=7)
    assert decide(generation(not_before=later)) == TooSoon(seconds_left=7)
    assert isinstance(decide(generation(not_before=NOW)), Claim)
    cancelled = decide(generation(not_before=later, cancel_requested=True))
    assert isinstance(cancelled, End)
    exhausted = decide(generation(not_before=later, attempt=MAX_ATTEMPTS))
    assert isinstance(exhausted, End)


def test_a_time_beyond_every_backoff_holds_nobody_back() -> None:
    never = NOW + timedelta(days=365_000)
    assert isinstance(decide(generation(not_before=never)), Claim)
    left_over = generation(Status.PROCESSING, not_before=NOW + timedelta(seconds=7))
    assert isinstance(decide(left_over), Claim)


def test_a_live_lease_is_left_to_its_holder_for_as_long_as_it_lasts() -> None:
    held = generation(Status.PROCESSING, lease=LIVE, attempt=1)
    assert decide(held) == HeldElsewhere(seconds_left=12.0)


def test_a_live_lease_is_left_to_its_holder_even_when_cancelled_or_exhausted() -> None:
    held = generation(Status.PROCESSING, lease=LIVE, attempt=MAX_ATTEMPTS, cancel_requested=True)
    assert isinstance(decide(held), HeldElsewhere)


def test_a_lapsed_lease_is_taken_over_at_the_cost_of_an_attempt() -> None:
    decision = decide(generation(Status.PROCESSING, lease=LAPSED, attempt=1))
    assert isinstance(decision, Claim)
    assert decision.lease.token == LAPSED.token + 1
    assert decision.changes["attempt"] == 2


def test_processing_without_a_lease_is_nobodys_and_taken_over() -> None:
    assert isinstance(decide(generation(Status.PROCESSING)), Claim)


def test_a_lease_left_in_a_waiting_document_holds_nobody_back() -> None:
    assert isinstance(decide(generation(lease=LIVE)), Claim)


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_is_not_accepted_yet_is_left_to_the_trigger(cancelled: bool) -> None:
    assert decide(generation(Status.PENDING, cancel_requested=cancelled)) == NothingToDo()


@pytest.mark.parametrize(("status", "lease"), [(Status.QUEUED, FREE), (Status.PROCESSING, LAPSED)])
def test_a_cancelled_generation_ends_without_a_claim(status: Status, lease: Lease) -> None:
    decision = decide(generation(status, lease=lease, cancel_requested=True))
    assert isinstance(decision, End)
    assert decision.changes["status"] == "cancelled"


def test_a_generation_whose_attempts_are_used_up_fails_with_the_last_reason() -> None:
    exhausted = generation(attempt=MAX_ATTEMPTS, error={"message": "The GPU fell off."})
    decision = decide(exhausted)
    assert isinstance(decision, End)
    assert decision.changes["error"] == {
        "code": "attempts_exhausted",
        "message": "The generation was tried 3 times and failed each time. "
        "Last reason: The GPU fell off.",
        "retryable": False,
    }


def test_a_cancelled_generation_whose_attempts_are_used_up_is_cancelled() -> None:
    decision = decide(generation(attempt=MAX_ATTEMPTS, cancel_requested=True))
    assert isinstance(decision, End)
    assert decision.changes["status"] == "cancelled"


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_a_finished_generation_needs_nothing_whatever_else_it_holds(status: Status) -> None:
    odd = generation(status, lease=LIVE, attempt=99, cancel_requested=True)
    assert decide(odd) == NothingToDo()


GENERATIONS = st.builds(
    generation,
    st.sampled_from(Status),
    cancel_requested=st.booleans(),
    attempt=st.integers(0, 5),
    lease=st.sampled_from([FREE, LIVE, LAPSED]),
)


@given(GENERATIONS)
def test_whatever_is_written_the_status_table_allows(it: Generation) -> None:
    decision = decide(it)
    if isinstance(decision, Claim | End):
        assert decision.changes["status"] in ALLOWED[it.status]


@given(GENERATIONS)
def test_of_two_workers_that_see_the_same_document_both_would_take_the_same_token(
    it: Generation,
) -> None:
    mine = decide_claim(it, worker_id="me", server_now=NOW)
    other = decide_claim(it, worker_id="other", server_now=NOW)
    # So the compare-and-set lets one of them have it, and no token is given twice.
    if isinstance(mine, Claim):
        assert isinstance(other, Claim)
        assert mine.lease.token == other.lease.token > it.lease.token
    else:
        assert mine == other


@given(GENERATIONS)
def test_nothing_is_claimed_more_often_than_allowed(it: Generation) -> None:
    decision = decide(it)
    if isinstance(decision, Claim):
        assert decision.changes["attempt"] <= MAX_ATTEMPTS
