"""Use case: a document was created; publish its ids and mark it `queued`, or end it with a reason.

The event is a hint and comes at least once; the document is the truth and is read first. A crash
between the message and the write leaves a `pending` document and a message, which the worker and a
second event both take.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.ports import DocumentStore, MessagePublisher, Snapshot
from trigger.acceptance import Accept, Cancel, LeaveAlone, Refuse, decide_acceptance
from trigger.compare_and_set import Message, Write, change


class Outcome(StrEnum):
    """How an event ended; for the log."""

    #: Published and marked `queued`, or claimed by a worker before it could be marked.
    ACCEPTED = "accepted"
    #: The request breaks the contract: `failed`, `invalid_input`.
    REFUSED = "refused"
    CANCELLED = "cancelled"
    #: An earlier delivery of the event did the work.
    ALREADY_DONE = "already_done"
    #: The document was deleted meanwhile.
    GONE = "gone"


def enqueue(
    path: str,
    created: Mapping[str, Any],
    *,
    documents: DocumentStore,
    publisher: MessagePublisher,
    admission: Admission = DEFAULT_ADMISSION,
) -> Outcome:
    """Handle the creation of the document at `path`; `created` is its data as the event shows it.

    Raises `Rejected` when not even the end can be written, `Unavailable` or `Missing` (no such
    topic) when a service failed, and `Conflict` when the document kept changing: the document is
    then still `pending`, and a later event or the sweep tries again.
    """

    def decide(snapshot: Snapshot, rejected: bool) -> Write[Outcome] | None:
        decision = decide_acceptance(
            path,
            created=created,
            current=snapshot.data,
            rejected=rejected,
            admission=admission,
        )
        if isinstance(decision, LeaveAlone):
            return None
        message = None
        if isinstance(decision, Accept):
            message = Message(topic=decision.topic, data=decision.message.to_bytes())
        outcome = _OUTCOMES[type(decision)]
        return Write(changes=decision.changes, outcome=outcome, message=message)

    return change(
        path,
        decide,
        documents=documents,
        publisher=publisher,
        published=Outcome.ACCEPTED,
        idle=Outcome.ALREADY_DONE,
        gone=Outcome.GONE,
    )


_OUTCOMES: Mapping[type, Outcome] = {
    Accept: Outcome.ACCEPTED,
    Refuse: Outcome.REFUSED,
    Cancel: Outcome.CANCELLED,
}
