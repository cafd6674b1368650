"""Use case: does with one overdue generation what `shared.sweeping` decides for it."""

from datetime import datetime
from enum import StrEnum

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.claim import End
from shared.document import Generation
from shared.errors import GenerationError, InvalidInput
from shared.message import GenerationMessage
from shared.paths import GenerationPath
from shared.ports import DocumentStore, MessagePublisher, Snapshot
from shared.status import Status
from shared.sweeping import PATIENCE, LetBe, Patience, Republish, SweepDecision, decide_sweep
from trigger.acceptance import topic_of
from trigger.compare_and_set import Message, Write, change


class Settled(StrEnum):
    """What became of one document; for the log."""

    #: Still `queued`, and published anew.
    REPUBLISHED = "republished"
    #: Taken from a worker that is gone, `queued` and published.
    RESCUED = "rescued"
    CANCELLED = "cancelled"
    #: Its attempts are used up, or its request breaks the contract by now.
    FAILED = "failed"
    #: Somebody else was faster, or it is not due.
    LET_BE = "let_be"


def settle(
    path: str,
    *,
    documents: DocumentStore,
    publisher: MessagePublisher,
    patience: Patience = PATIENCE,
    admission: Admission = DEFAULT_ADMISSION,
) -> Settled:
    """Raises as `trigger.enqueue.enqueue` does; the document is then left to the next sweep."""

    def decide(snapshot: Snapshot, rejected: bool) -> Write[Settled] | None:
        try:
            generation = Generation.from_document(GenerationPath.parse(path), snapshot.data)
        except InvalidInput:
            # Not one of ours, or changed by an admin since it was found.
            return None
        if rejected:
            generation = generation.rejected()
        decision, topic = _decide(generation, snapshot.read_time, patience, admission)
        if isinstance(decision, LetBe):
            return None
        message = None
        if topic is not None:
            data = GenerationMessage(path=generation.path).to_bytes()
            message = Message(topic=topic, data=data)
        outcome = _settled(generation.status, decision)
        beside = generation.beside(decision.changes)
        return Write(changes=decision.changes, outcome=outcome, message=message, beside=beside)

    return change(
        path,
        decide,
        documents=documents,
        publisher=publisher,
        published=Settled.REPUBLISHED,
        idle=Settled.LET_BE,
        gone=Settled.LET_BE,
    )


def _decide(
    generation: Generation, server_now: datetime, patience: Patience, admission: Admission
) -> tuple[SweepDecision, str | None]:
    """`decide_sweep`, and the topic of what is published; what no worker could read ends."""
    decision = decide_sweep(generation, server_now=server_now, patience=patience)
    if not isinstance(decision, Republish):
        return decision, None
    try:
        return decision, topic_of(generation, admission)
    except GenerationError as error:
        return End(changes=generation.to_failed(error)), None


def _settled(before: Status, decision: Republish | End) -> Settled:
    if isinstance(decision, End):
        cancelled = decision.changes["status"] == Status.CANCELLED
        return Settled.CANCELLED if cancelled else Settled.FAILED
    return Settled.RESCUED if before is Status.PROCESSING else Settled.REPUBLISHED
