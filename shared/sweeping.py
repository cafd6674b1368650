"""What the sweep does with one generation: a pure decision over document and server's clock.

Order matters, as for a claim: what ended needs nothing, what is held belongs to its holder, what
was cancelled never starts, what used up its attempts fails, and the rest is published again once it
has waited longer than anything that works would take.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from shared.claim import MAX_ATTEMPTS, End
from shared.document import Generation
from shared.errors import attempts_exhausted, worker_lost
from shared.ports import Changes, Overdue
from shared.status import Status

#: As long as one run of the function that accepts a new document may take: then it is over.
PENDING_SECONDS = 60.0
#: Above the longest backoff of a retry (60 s), after which its message comes by itself, and far
#: above the way of a message to a worker that is free.
QUEUED_SECONDS = 120.0
#: Beyond the lease. Within it the message comes back by itself (its ack deadline is 20 s), and a
#: worker that is free takes over.
LAPSED_SECONDS = 15.0
#: A document waits as long again as it has waited before it is published once more, so that a long
#: queue is not filled with repetitions; but no longer than this.
MAX_QUEUED_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long the sweep lets things be, in seconds (≥ 0)."""

    pending: float = PENDING_SECONDS
    queued: float = QUEUED_SECONDS
    lapsed: float = LAPSED_SECONDS
    max_queued: float = MAX_QUEUED_SECONDS

    def with_(self, what: Overdue) -> timedelta:
        """With documents of that kind, from their moment on."""
        seconds = {
            Overdue.CANCELLED: 0.0,
            Overdue.PENDING: self.pending,
            Overdue.LAPSED: self.lapsed,
            Overdue.QUEUED: self.queued,
        }
        return timedelta(seconds=seconds[what])


PATIENCE = Patience()


@dataclass(frozen=True, kw_only=True, slots=True)
class Republish:
    """Publish its message, then write `changes`."""

    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class LetBe:
    """Nothing to do: it ended, somebody works on it, or it has not waited long enough."""


SweepDecision: TypeAlias = Republish | End | LetBe


def decide_sweep(
    generation: Generation,
    *,
    server_now: datetime,
    patience: Patience = PATIENCE,
    max_attempts: int = MAX_ATTEMPTS,
) -> SweepDecision:
    """Decide at `server_now` (the server's clock).

    A `pending` document that nobody cancelled is let be: accepting it is `trigger.enqueue`'s part.
    """
    if generation.status.terminal or _is_held(generation, server_now, patience):
        return LetBe()
    if generation.cancel_requested:
        return End(changes=generation.to_cancelled())
    if generation.status is Status.PENDING or _is_quiet(generation, server_now, patience):
        return LetBe()
    if generation.attempt >= max_attempts:
        error = attempts_exhausted(generation.attempt, generation.error)
        return End(changes=generation.to_failed(error))
    if generation.status is Status.PROCESSING:
        return Republish(changes=generation.to_retry(worker_lost()))
    sweep_after = _next_sweep_after(generation, server_now, patience)
    return Republish(changes=generation.to_republished(sweep_after))


def _is_held(generation: Generation, server_now: datetime, patience: Patience) -> bool:
    expires_at = generation.lease.expires_at
    if generation.status is not Status.PROCESSING or expires_at is None:
        return False
    return server_now < expires_at + patience.with_(Overdue.LAPSED)


def _is_quiet(generation: Generation, server_now: datetime, patience: Patience) -> bool:
    since = generation.sweep_after if generation.status is Status.QUEUED else None
    return since is not None and server_now < since + patience.with_(Overdue.QUEUED)


def _next_sweep_after(generation: Generation, server_now: datetime, patience: Patience) -> datetime:
    waited = (server_now - (generation.queued_at or server_now)).total_seconds()
    pause = max(patience.queued, min(waited, patience.max_queued))
    return server_now + timedelta(seconds=pause - patience.queued)
