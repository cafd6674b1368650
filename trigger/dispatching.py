"""Whether a generation is handed to a new job: pure decisions over its document.

The document is the truth and the message a hint. Order matters: what nobody waits for needs no job,
one that was handed over before is asked after, and a job that is over without ever having claimed
its generation counts as an attempt, so that a worker which cannot even start does not for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from shared.admission import Admission
from shared.claim import MAX_ATTEMPTS, End, backoff_left
from shared.dispatched import MARK, Dispatched
from shared.document import Generation
from shared.errors import GenerationError, attempts_exhausted, worker_lost
from shared.ports import Changes
from shared.status import Status
from shared.sweeping import LetBe
from trigger.acceptance import topic_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Give a new job `request`, at the endpoint for `topic`."""

    topic: str
    #: Never with a prompt in a log.
    request: Mapping[str, Any]
    #: Why the job before came to nothing without a claim; None: it did not, or there was none.
    lost: GenerationError | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Ask after this job; if it is over decide again."""

    dispatch: Dispatched


Decision: TypeAlias = Start | Ask | End | LetBe


def decide_dispatch(
    generation: Generation,
    *,
    server_now: datetime,
    admission: Admission,
    over: str | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> Decision:
    """Decide at `server_now`; `over` is the id of a job that is known not to be alive."""
    last = generation.dispatch
    if not _free(generation, server_now) or backoff_left(generation, server_now) > 0:
        return LetBe()
    if generation.cancel_requested:
        # With a job, the sweep ends both.
        return LetBe() if last else End(changes=generation.to_cancelled())
    if last is not None and last.job_id != over:
        return LetBe() if last.fresh_at(server_now) else Ask(dispatch=last)
    lost = worker_lost() if last and not last.claimed(generation.lease) else None
    attempts = generation.attempt + (1 if lost else 0)
    if attempts >= max_attempts:
        reason = lost.to_document() if lost else generation.error
        return End(changes=generation.to_failed(attempts_exhausted(attempts, reason)))
    try:
        topic = topic_of(generation, admission)
    except GenerationError as error:
        return End(changes=generation.to_failed(error))
    return Start(topic=topic, request=_request(generation), lost=lost)


def _free(generation: Generation, server_now: datetime) -> bool:
    """Whether a worker's claim would be heard. A lapsed one too: who rescues it publishes before
    it writes, so that the message may be here first."""
    if generation.status is Status.PROCESSING:
        return not generation.lease.held_at(server_now)
    return generation.status is Status.QUEUED


def _request(generation: Generation) -> Mapping[str, Any]:
    """What the same container's `runpod` intake reads: whose it is says the path alone."""
    given = generation.input if isinstance(generation.input, Mapping) else {}
    return {
        **given,
        "use_cloud_storage": True,
        "user_id": generation.path.uid,
        "file_uid": generation.path.generation_id,
        MARK: True,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Write `changes`: the document says which job it was handed to."""

    changes: Changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """Cancel the job that was just started: nobody waits for it any more, or for another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """Nothing to write: it is written, or the job is done already."""


def decide_note(
    generation: Generation,
    started: Dispatched,
    *,
    before: Dispatched | None,
    lost: GenerationError | None,
) -> Note | Withdraw | Noted:
    """What to do with the document after `started` was started; `before` is the job that the
    decision to start it saw there.

    A generation that somebody has claimed by now is most likely claimed by that very job, whose
    worker was waiting for one: it goes on.
    """
    last = generation.dispatch
    if last is not None and last.job_id == started.job_id:
        return Noted()  # the reply to our own write was lost
    if last is not None and (before is None or last.job_id != before.job_id):
        return Withdraw()
    if generation.status in (Status.COMPLETED, Status.FAILED):
        return Noted()
    # Pending: another document of the same id by now.
    if generation.status in (Status.CANCELLED, Status.PENDING) or (
        generation.cancel_requested and generation.status is not Status.PROCESSING
    ):
        return Withdraw()
    return Note(changes=generation.to_dispatched(started, lost=lost))
