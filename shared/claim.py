"""What to do with a generation that a message points at: one pure decision.

Order matters: a finished document needs nothing, and one that is not accepted nothing yet; a held
one belongs to its holder (who sees a cancellation himself), a cancelled one never starts, an
exhausted one fails, one whose last try just failed is left alone for its backoff, the rest is
claimed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from shared.document import Generation
from shared.errors import attempts_exhausted
from shared.lease import LEASE_SECONDS, Lease
from shared.ports import Changes
from shared.status import Status

#: Nobody with a phone in hand waits longer for the next attempt.
MAX_BACKOFF_SECONDS = 60.0
#: Claims that may end in a failure before the generation fails for good.
MAX_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Write `changes`; whoever succeeds holds `lease`."""

    lease: Lease
    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Write `changes`; the generation ends without a worker."""

    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldElsewhere:
    """Another worker holds a live lease; look again once it would have lapsed."""

    seconds_left: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TooSoon:
    """Its last attempt failed just now, and another message came before the backoff was over."""

    seconds_left: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingToDo:
    """The message has done its duty. The status is terminal; or it is `pending`, so that nothing is
    reserved for it, and its own message comes after its acceptance."""


Decision: TypeAlias = Claim | End | HeldElsewhere | TooSoon | NothingToDo


def decide_claim(
    generation: Generation,
    *,
    worker_id: str,
    server_now: datetime,
    max_attempts: int = MAX_ATTEMPTS,
    lease_seconds: float = LEASE_SECONDS,
) -> Decision:
    """Decide for `worker_id` at `server_now` (the server's clock, not the worker's)."""
    if generation.status.terminal or generation.status is Status.PENDING:
        return NothingToDo()
    held = generation.status is Status.PROCESSING and generation.lease.held_at(server_now)
    if held and generation.lease.expires_at is not None:
        left = generation.lease.expires_at - server_now
        return HeldElsewhere(seconds_left=left.total_seconds())
    if generation.cancel_requested:
        return End(changes=generation.to_cancelled())
    if generation.attempt >= max_attempts:
        error = attempts_exhausted(generation.attempt, generation.error)
        return End(changes=generation.to_failed(error))
    left_to_wait = backoff_left(generation, server_now)
    if left_to_wait > 0:
        return TooSoon(seconds_left=left_to_wait)
    expires_at = server_now + timedelta(seconds=lease_seconds)
    lease = generation.lease.taken(worker_id, server_now=server_now, expires_at=expires_at)
    return Claim(lease=lease, changes=generation.to_processing(lease))


def backoff_left(generation: Generation, server_now: datetime) -> float:
    """Seconds until the next attempt may begin; 0.0: now."""
    if generation.status is not Status.QUEUED or generation.not_before is None:
        return 0.0
    left = (generation.not_before - server_now).total_seconds()
    # No backoff of ours lasts longer: an admin's slip must not keep a generation for ever.
    return left if left <= MAX_BACKOFF_SECONDS else 0.0
