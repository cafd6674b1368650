"""Use case: a document was created; publish its ids and mark it `queued`, or end it with a reason.

The event is a hint and comes at least once; the document is the truth and is read first. Every
write is compare-and-set, retried on a conflict at most MAX_CONFLICTS times. The message goes out
before `queued` is written, so that a `queued` document always had one; a crash in between leaves a
`pending` document and a message, which the worker and a second event both take. A write that the
store will never take is replaced, once, by an end without the input.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.ports import Conflict, DocumentStore, MessagePublisher, Missing, Rejected
from shared.request import DEFAULT_MAX_IMAGES
from trigger.acceptance import Accept, Cancel, LeaveAlone, Refuse, decide_acceptance

#: The owner may write once (cancel) and a worker claims once; the rest is lost replies.
MAX_CONFLICTS = 5


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
    max_images: int = DEFAULT_MAX_IMAGES,
) -> Outcome:
    """Handle the creation of the document at `path`; `created` is its data as the event shows it.

    Raises `Rejected` when not even the end can be written, `Unavailable` or `Missing` (no such
    topic) when a service failed, and `Conflict` when the document kept changing: the document is
    then still `pending`, and a later event or the sweep tries again.
    """
    published = rejected = False
    for _ in range(MAX_CONFLICTS + 1):
        snapshot = documents.read(path)
        if snapshot is None:
            return Outcome.GONE
        decision = decide_acceptance(
            path,
            created=created,
            current=snapshot.data,
            rejected=rejected,
            max_images=max_images,
        )
        if isinstance(decision, LeaveAlone):
            return Outcome.ACCEPTED if published else Outcome.ALREADY_DONE
        if isinstance(decision, Accept) and not published:
            publisher.publish(decision.topic, decision.message.to_bytes())
            published = True
        try:
            documents.update(path, decision.changes, expected=snapshot.version)
        except Conflict:
            continue
        except Rejected:
            if rejected:
                raise
            rejected = True
            continue
        except Missing:
            return Outcome.GONE
        return _OUTCOMES[type(decision)]
    raise Conflict(f"{path} changed {MAX_CONFLICTS + 1} times while it was being enqueued")


_OUTCOMES: Mapping[type, Outcome] = {
    Accept: Outcome.ACCEPTED,
    Refuse: Outcome.REFUSED,
    Cancel: Outcome.CANCELLED,
}
