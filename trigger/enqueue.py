"""Use case: a document was created; mark it `queued` and publish its ids, or end it with a reason.

The event is a hint and comes at least once; the document is the truth and is read first. The mark
reserves what the generation costs and comes before the message, so that nobody works on what is not
reserved. A crash in between leaves a `queued` document without a message: the sweep publishes it.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from shared.admission import DEFAULT_ADMISSION, Admission
from shared.ports import DocumentStore, MessagePublisher, Snapshot
from shared.usage import Limits
from trigger.acceptance import Accept, Cancel, LeaveAlone, Refuse, decide_acceptance
from trigger.compare_and_set import Write, change
from trigger.first_place import FirstPlaces
from trigger.quota import OverQuota, within_quota

#: Somebody who asks for many at once has as many functions write the same usage; each round one of
#: them succeeds at least, until the limit is reached and the others need not write it.
MAX_CONFLICTS = 20


class Outcome(StrEnum):
    """How an event ended; for the log."""

    #: Marked `queued` and published.
    ACCEPTED = "accepted"
    #: The request breaks the contract: `failed`, `invalid_input`.
    REFUSED = "refused"
    #: Its prompt has words that are not allowed here: `failed`, `content_rejected`.
    CONTENT_REJECTED = "content_rejected"
    #: It is more than its owner may have: `failed`, `quota_exceeded`.
    OVER_QUOTA = "over_quota"
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
    limits: Limits | None = None,
    places: FirstPlaces | None = None,
    notify: bool = False,
) -> Outcome:
    """Handle the creation of the document at `path`; `created` is its data as the event shows it.
    Without `limits` there are no quotas; without `places` nobody is told where they stand. With
    `notify`, its owner's devices will be told how it ended, whoever ends it.

    Raises `Rejected` when not even the end can be written, `Unavailable` or `Missing` (no such
    topic) when a service failed, and `Conflict` when the document or its owner's usage kept
    changing. It is then `pending` still, or `queued` without a message: a later event or the sweep
    goes on.
    """
    accepted: Accept | None = None
    # Decided anew after a conflict; its place stays.
    place = cache(places.look()) if places else None

    def decide(snapshot: Snapshot, rejected: bool) -> Write[Outcome] | None:
        nonlocal accepted
        decision = decide_acceptance(
            path,
            created=created,
            current=snapshot.data,
            rejected=rejected,
            admission=admission,
            notify=notify,
        )
        if isinstance(decision, LeaveAlone):
            return None
        checked: Accept | Refuse | Cancel | OverQuota = decision
        if isinstance(decision, Accept) and limits is not None:
            usage = documents.read(decision.generation.path.usage)
            checked = within_quota(decision, usage, generation=snapshot, limits=limits)
        accepted = checked if isinstance(checked, Accept) else None
        queue = place(accepted.kind) if accepted and place else None
        return Write(
            changes={**checked.changes, "queue": queue} if queue else checked.changes,
            outcome=_outcome(checked),
            beside=checked.beside,
        )

    outcome = change(
        path,
        decide,
        documents=documents,
        publisher=publisher,
        published=Outcome.ALREADY_DONE,
        idle=Outcome.ALREADY_DONE,
        gone=Outcome.GONE,
        max_conflicts=MAX_CONFLICTS,
    )
    # `accepted` and done already: the mark may be ours, its reply lost. Else the message is one too
    # many, which is harmless.
    if accepted is None or outcome is Outcome.GONE:
        return outcome
    publisher.publish(accepted.topic, accepted.message.to_bytes())
    return Outcome.ACCEPTED


def _outcome(decision: Accept | Refuse | Cancel | OverQuota) -> Outcome:
    if isinstance(decision, Refuse) and decision.for_content:
        return Outcome.CONTENT_REJECTED
    return _OUTCOMES[type(decision)]


_OUTCOMES: Mapping[type, Outcome] = {
    Accept: Outcome.ACCEPTED,
    Refuse: Outcome.REFUSED,
    OverQuota: Outcome.OVER_QUOTA,
    Cancel: Outcome.CANCELLED,
}
