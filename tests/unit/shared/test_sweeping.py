"""What the sweep does with one generation, whatever its document says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.claim import MAX_ATTEMPTS, Claim, End, decide_claim
from shared.document import Generation
from shared.lease import FREE, Lease
from shared.ports import DELETE, SERVER_TIME, Overdue
from shared.retry import MAX_DELAY_SECONDS
from shared.status import ALLOWED, Status
from shared.sweeping import (
    LAPSED_SECONDS,
    MAX_QUEUED_SECONDS,
    PATIENCE,
    QUEUED_SECONDS,
    LetBe,
    Republish,
    SweepDecision,
    decide_sweep,
)
from tests.unit.shared.generations import generation

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
RELEASED = Lease(token=4, worker_id=None, expires_at=None)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def held(expired_for: float) -> Lease:
    return Lease(token=4, worker_id="w", expires_at=ago(expired_for))


def overdue(status: Status, **fields: Any) -> Generation:
    since = ago(QUEUED_SECONDS)
    return generation(status, **{"queued_at": since, "sweep_after": since, **fields})


def decide(it: Generation) -> SweepDecision:
    return decide_sweep(it, server_now=NOW)


def next_look(it: Generation) -> float:
    """Seconds from now until a queued generation that is published now would be once more."""
    decision = decide(it)
    assert isinstance(decision, Republish)
    changes = decision.changes
    assert set(changes) == {"updated_at", "sweep_after"}
    since: datetime = changes["sweep_after"]
    return (since - NOW).total_seconds() + QUEUED_SECONDS


def test_a_generation_that_nobody_claimed_for_long_enough_is_published_again() -> None:
    assert next_look(overdue(Status.QUEUED)) == QUEUED_SECONDS


@pytest.mark.parametrize(
    ("waited", "pause"),
    [
        (QUEUED_SECONDS, QUEUED_SECONDS),
        (2 * QUEUED_SECONDS, 2 * QUEUED_SECONDS),
        (1000, 1000),
        (MAX_QUEUED_SECONDS, MAX_QUEUED_SECONDS),
        (1_000_000, MAX_QUEUED_SECONDS),
    ],
)
def test_it_then_waits_as_long_again_as_it_has_waited_up_to_a_bound(
    waited: float, pause: float
) -> None:
    assert next_look(overdue(Status.QUEUED, queued_at=ago(waited))) == pause


def test_a_day_in_the_queue_costs_some_fifty_messages_and_not_one_a_minute() -> None:
    moment, published = ago(0), 0
    it = overdue(Status.QUEUED, queued_at=moment, sweep_after=moment)
    for minute in range(24 * 60):
        now = moment + timedelta(minutes=minute)
        decision = decide_sweep(it, server_now=now)
        if isinstance(decision, Republish):
            published += 1
            it = overdue(
                Status.QUEUED, queued_at=moment, sweep_after=decision.changes["sweep_after"]
            )
    assert 48 <= published <= 56


def test_a_generation_of_an_older_release_is_published_at_once() -> None:
    assert next_look(overdue(Status.QUEUED, queued_at=None, sweep_after=None)) == QUEUED_SECONDS


@pytest.mark.parametrize("waited", [0, 1, QUEUED_SECONDS - 0.001])
def test_a_generation_that_has_not_waited_long_enough_is_let_be(waited: float) -> None:
    assert decide(overdue(Status.QUEUED, sweep_after=ago(waited))) == LetBe()


def test_the_backoff_of_a_retry_ends_before_the_sweep_s_patience() -> None:
    assert QUEUED_SECONDS > MAX_DELAY_SECONDS + LAPSED_SECONDS
    just_failed = overdue(
        Status.QUEUED, attempt=1, queued_at=ago(5000), sweep_after=ago(MAX_DELAY_SECONDS)
    )
    assert decide(just_failed) == LetBe()


def test_a_lapsed_lease_goes_back_to_the_queue_with_a_reason() -> None:
    lapsed = overdue(Status.PROCESSING, attempt=1, lease=held(LAPSED_SECONDS))
    decision = decide(lapsed)
    assert decision == Republish(
        changes={
            "status": "queued",
            "lease": RELEASED.to_document(),
            "attempt": 1,
            "error": {
                "code": "worker_lost",
                "message": "The worker stopped without giving a reason.",
                "retryable": True,
            },
            "updated_at": SERVER_TIME,
            "sweep_after": SERVER_TIME,
            "progress": DELETE,
        }
    )


@pytest.mark.parametrize("expired_for", [-30, 0, LAPSED_SECONDS - 0.001])
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.parametrize("attempt", [1, MAX_ATTEMPTS])
def test_a_lease_that_lives_or_has_only_just_lapsed_is_left_to_the_workers(
    expired_for: float, cancel: bool, attempt: int
) -> None:
    lease = held(expired_for)
    it = overdue(Status.PROCESSING, attempt=attempt, lease=lease, cancel_requested=cancel)
    assert decide(it) == LetBe()


@pytest.mark.parametrize(
    ("status", "lease", "last", "reason"),
    [
        (Status.PROCESSING, held(60), None, "The worker stopped without giving a reason."),
        (Status.QUEUED, RELEASED, {"message": "The GPU fell off."}, "The GPU fell off."),
    ],
)
def test_what_used_up_its_attempts_fails_with_a_stable_code_and_the_last_reason(
    status: Status, lease: Lease, last: dict[str, object] | None, reason: str
) -> None:
    decision = decide(overdue(status, attempt=MAX_ATTEMPTS, lease=lease, error=last))
    assert isinstance(decision, End)
    assert decision.changes["error"] == {
        "code": "attempts_exhausted",
        "message": f"The generation was tried 3 times and failed each time. Last reason: {reason}",
        "retryable": False,
    }


@pytest.mark.parametrize(
    "it",
    [
        overdue(Status.PENDING, cancel_requested=True),
        overdue(Status.QUEUED, cancel_requested=True, sweep_after=NOW),
        overdue(Status.QUEUED, cancel_requested=True, attempt=MAX_ATTEMPTS),
        overdue(Status.PROCESSING, cancel_requested=True, lease=held(60), attempt=1),
        overdue(Status.PROCESSING, cancel_requested=True, lease=FREE),
    ],
)
def test_what_was_cancelled_and_nobody_works_on_is_cancelled_without_patience(
    it: Generation,
) -> None:
    decision = decide(it)
    assert isinstance(decision, End)
    assert decision.changes["status"] == "cancelled"


def test_a_pending_generation_is_left_to_the_function_that_accepts_it() -> None:
    assert decide(overdue(Status.PENDING)) == LetBe()


@pytest.mark.parametrize("what", list(Overdue))
def test_there_is_a_patience_with_every_kind(what: Overdue) -> None:
    assert PATIENCE.with_(what) >= timedelta(0)


MOMENTS = st.none() | st.integers(-9000, 9000).map(ago)
GENERATIONS = st.builds(
    generation,
    st.sampled_from(Status),
    cancel_requested=st.booleans(),
    attempt=st.integers(0, 5),
    lease=st.sampled_from([FREE, RELEASED]) | st.integers(-60, 60).map(held),
    error=st.none() | st.just({"message": "It fell."}),
    queued_at=MOMENTS,
    sweep_after=MOMENTS,
)


@given(GENERATIONS)
def test_whatever_is_written_the_status_table_allows(it: Generation) -> None:
    decision = decide(it)
    if not isinstance(decision, LetBe):
        status = decision.changes.get("status", it.status)
        assert status == it.status or status in ALLOWED[it.status]


@given(GENERATIONS)
def test_a_generation_that_a_worker_may_not_take_over_is_never_touched(it: Generation) -> None:
    claim = decide_claim(it, worker_id="w", server_now=NOW)
    # Of one that is not accepted yet the worker knows nothing; the sweep may cancel it.
    if not isinstance(claim, Claim | End) and it.status is not Status.PENDING:
        assert decide(it) == LetBe()


@given(GENERATIONS)
def test_only_what_a_worker_would_claim_is_published(it: Generation) -> None:
    if isinstance(decide(it), Republish):
        assert isinstance(decide_claim(it, worker_id="w", server_now=NOW), Claim)


@given(GENERATIONS)
def test_what_was_published_is_not_published_at_once_again(it: Generation) -> None:
    decision = decide(it)
    if isinstance(decision, Republish):
        now = {
            name: NOW if value is SERVER_TIME else value for name, value in decision.changes.items()
        }
        after = Generation.from_document(
            it.path,
            {"status": "queued", "queued_at": it.queued_at, "attempt": it.attempt, **now},
        )
        assert decide(after) == LetBe()


@given(GENERATIONS)
def test_nothing_is_swept_more_often_than_it_may_be_tried(it: Generation) -> None:
    if isinstance(decide(it), Republish):
        assert it.attempt < MAX_ATTEMPTS
