"""Whether a failed attempt is tried again, and when: exponential backoff with full jitter.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (the "full jitter" variant).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from shared.claim import MAX_ATTEMPTS, MAX_BACKOFF_SECONDS
from shared.errors import GenerationError, attempts_exhausted

#: Bounds of the random delay before the second attempt; doubled for each further one.
FIRST_DELAY_SECONDS = 2.0
MAX_DELAY_SECONDS = MAX_BACKOFF_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Back to the queue; the message is handed back after `delay_seconds`."""

    delay_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUp:
    """The generation fails with `error`."""

    error: GenerationError


RetryDecision: TypeAlias = Retry | GiveUp


def decide_retry(
    error: GenerationError,
    *,
    attempt: int,
    random: Callable[[], float],
    max_attempts: int = MAX_ATTEMPTS,
) -> RetryDecision:
    """Decide after attempt number `attempt` (≥ 1). `random` returns a float in [0, 1)."""
    if not error.retryable:
        return GiveUp(error=error)
    if attempt >= max_attempts:
        return GiveUp(error=attempts_exhausted(attempt, error.to_document()))
    bound = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempt - 1))
    return Retry(delay_seconds=random() * bound)
