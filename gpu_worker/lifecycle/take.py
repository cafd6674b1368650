"""Claims the generation that a message points at, or says what else to do with the message.

One read and one compare-and-set when nothing interferes. A reply lost on the way shows as a
conflict with our own lease: read back, it is recognised and kept. What can never be claimed, since
its input is unreadable or leaves no room for a claim, is ended with that reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.server_clock import ServerClock
from shared.claim import Claim, Decision, End, HeldElsewhere, NothingToDo, TooSoon, decide_claim
from shared.clock import Clock
from shared.document import Generation
from shared.errors import InvalidInput
from shared.lease import LEASE_SECONDS, TrustWindow
from shared.paths import GenerationPath
from shared.ports import Conflict, DocumentStore, Missing, Rejected, Unavailable

#: Contenders for one document are the few workers that got a duplicate, the trigger and the client.
MAX_ROUNDS = 8
WHY_WAIT = {
    HeldElsewhere: "held by another worker",
    TooSoon: "its last attempt failed just now",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    """No work here: finished, ended just now, or deleted."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotNow:
    """Not to be claimed yet; look again after `seconds`."""

    why: str
    seconds: float


Taken: TypeAlias = LeasedDocument | Nothing | NotNow


def take(
    store: DocumentStore,
    clock: Clock,
    path: GenerationPath,
    *,
    worker_id: str,
    on_cancel_requested: Callable[[], None],
    lease_seconds: float = LEASE_SECONDS,
) -> Taken:
    """Raises `Unavailable` when the store does not answer, `InvalidInput` for a broken status, and
    `Rejected` when it takes not even the end of the document.

    No two calls for one path may run at once in one process: they would take each other's claim for
    their own.
    """
    lease_length = timedelta(seconds=lease_seconds)
    attempted: tuple[Claim, float] | None = None
    rejected = False
    for _ in range(MAX_ROUNDS):
        read_at = clock.monotonic()
        snapshot = store.read(str(path))
        if snapshot is None:
            return Nothing(why="the document is gone")
        generation = Generation.from_document(path, snapshot.data)
        version, server_time, sent_at = snapshot.version, snapshot.read_time, read_at
        if attempted is not None and _holds(generation, attempted[0]):
            # Our claim went through and only its reply was lost; the lease runs since that read.
            claim, read_at = attempted
            if generation.cancel_requested:
                # It came after our claim, and no later write of ours will meet it as a conflict.
                on_cancel_requested()
        else:
            decision = _decide(
                generation.rejected() if rejected else generation,
                worker_id=worker_id,
                server_now=snapshot.read_time,
                lease_seconds=lease_seconds,
            )
            if isinstance(decision, NothingToDo):
                return Nothing(why=f"it is {generation.status}")
            if isinstance(decision, HeldElsewhere | TooSoon):
                return NotNow(why=WHY_WAIT[type(decision)], seconds=decision.seconds_left)
            sent_at = clock.monotonic()
            try:
                beside = generation.beside(decision.changes)
                written = store.update(str(path), decision.changes, expected=version, beside=beside)
            except (Conflict, Rejected) as refusal:
                if rejected and isinstance(refusal, Rejected):
                    raise
                rejected = rejected or isinstance(refusal, Rejected)
                if isinstance(decision, Claim):
                    attempted = (decision, read_at)
                continue
            except Missing:
                return Nothing(why="the document is gone")
            if isinstance(decision, End):
                return Nothing(why=f"it ended as {decision.changes['status']} without a worker")
            claim = decision
            version, server_time = written.version, written.commit_time
            generation = generation.claimed(claim.lease, written.commit_time)
        return LeasedDocument(
            store,
            clock,
            generation=generation,
            version=version,
            server_clock=ServerClock(clock, server_time=server_time, sent_at=sent_at),
            window=TrustWindow.after(read_at, lease_length),
            on_cancel_requested=on_cancel_requested,
            lease_seconds=lease_seconds,
        )
    raise Unavailable(f"{path} changed {MAX_ROUNDS} times while it was being claimed")


def _decide(
    generation: Generation, *, worker_id: str, server_now: datetime, lease_seconds: float
) -> Decision:
    """`decide_claim`, but the end of a generation whose input forbids the claim."""
    decision = decide_claim(
        generation, worker_id=worker_id, server_now=server_now, lease_seconds=lease_seconds
    )
    if isinstance(decision, Claim):
        try:
            generation.check_input()
        except InvalidInput as error:
            return End(changes=generation.to_failed(error))
    return decision


def _holds(generation: Generation, claim: Claim) -> bool:
    there, ours = generation.lease, claim.lease
    return (there.token, there.worker_id) == (ours.token, ours.worker_id)
