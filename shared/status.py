"""The one table of a generation's statuses and the moves between them."""

from enum import StrEnum


class Status(StrEnum):
    #: Written by the client; nobody has looked at it yet.
    PENDING = "pending"
    #: Accepted, its message published; waits for a worker (again, after a retryable failure).
    QUEUED = "queued"
    #: A worker holds the lease.
    PROCESSING = "processing"
    #: `output` is there and its files are whole.
    COMPLETED = "completed"
    #: `error` says why.
    FAILED = "failed"
    #: The client asked for it.
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """True when nothing will ever change this status again."""
        return not ALLOWED[self]


ALLOWED: dict[Status, frozenset[Status]] = {
    # Only the trigger accepts: what is `pending` has no credits reserved, so no worker claims it.
    Status.PENDING: frozenset({Status.QUEUED, Status.FAILED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.PROCESSING, Status.FAILED, Status.CANCELLED}),
    # processing → processing: another worker takes a lapsed lease over.
    Status.PROCESSING: frozenset(
        {
            Status.PROCESSING,
            Status.QUEUED,
            Status.COMPLETED,
            Status.FAILED,
            Status.CANCELLED,
        },
    ),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


class IllegalTransition(Exception):
    """A status change that the table does not allow: a fault of ours, never of a request."""


def check_transition(current: Status, new: Status) -> None:
    """Raise `IllegalTransition` unless `current → new` is in the table."""
    if new not in ALLOWED[current]:
        allowed = ", ".join(sorted(ALLOWED[current])) or "nothing, it is final"
        raise IllegalTransition(f"{current} cannot become {new}; allowed: {allowed}")
