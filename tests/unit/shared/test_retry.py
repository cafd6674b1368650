"""Whether a failure is tried again, and how long until then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.claim import MAX_ATTEMPTS
from shared.errors import RETRYABLE, ErrorCode, GenerationError
from shared.retry import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS, GiveUp, Retry, decide_retry

CRASH = GenerationError(ErrorCode.ENGINE_CRASHED, "The engine died.")
#: The largest number that `random.random` returns.
ALMOST_ONE = 1 - 2**-53


@pytest.mark.parametrize("code", [code for code in ErrorCode if code not in RETRYABLE])
def test_what_will_not_pass_by_itself_is_given_up_at_once(code: ErrorCode) -> None:
    error = GenerationError(code, "No.")
    assert decide_retry(error, attempt=1, random=lambda: 0.5) == GiveUp(error=error)


@pytest.mark.parametrize("code", sorted(RETRYABLE))
def test_what_may_pass_is_tried_again(code: ErrorCode) -> None:
    decision = decide_retry(GenerationError(code, "Oh."), attempt=1, random=lambda: 0.5)
    assert decision == Retry(delay_seconds=0.5 * FIRST_DELAY_SECONDS)


def test_after_the_last_attempt_it_is_given_up_with_the_last_reason() -> None:
    decision = decide_retry(CRASH, attempt=MAX_ATTEMPTS, random=lambda: 0.5)
    assert isinstance(decision, GiveUp)
    assert decision.error.code is ErrorCode.ATTEMPTS_EXHAUSTED
    assert decision.error.message.endswith("Last reason: The engine died.")
    assert not decision.error.retryable


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 2.0), (2, 4.0), (3, 8.0), (5, 32.0), (6, 60.0), (40, 60.0)]
)
def test_the_bound_doubles_up_to_a_minute(attempt: int, bound: float) -> None:
    decision = decide_retry(CRASH, attempt=attempt, random=lambda: ALMOST_ONE, max_attempts=100)
    assert isinstance(decision, Retry)
    assert decision.delay_seconds == pytest.approx(bound)


@given(st.integers(1, 1000), st.floats(0, ALMOST_ONE))
def test_the_delay_is_anywhere_between_nothing_and_the_bound(attempt: int, drawn: float) -> None:
    decision = decide_retry(CRASH, attempt=attempt, random=lambda: drawn, max_attempts=2000)
    assert isinstance(decision, Retry)
    assert 0 <= decision.delay_seconds <= MAX_DELAY_SECONDS
