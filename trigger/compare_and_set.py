"""Changes one document by a decision over what it is now, and publishes before it says so.

Every write is compare-and-set, decided anew on a conflict at most MAX_CONFLICTS times. The message
goes out first and once, so that a `queued` document always had one; two that do it at the same time
publish two messages and write once. A write that the store will never take is decided anew, once,
for a document without the input.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.ports import (
    AlreadyExists,
    Beside,
    Changes,
    Conflict,
    DocumentStore,
    MessagePublisher,
    Missing,
    Rejected,
    Snapshot,
)

#: The owner may write once (cancel), a worker claims once, a sweep is faster; the rest is lost
#: replies.
MAX_CONFLICTS = 5

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    topic: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Write(Generic[Outcome]):
    """`changes`, after `message` where there is one, and what it is called when it is done."""

    changes: Changes
    outcome: Outcome
    message: Message | None = None
    #: Of other documents, in the same commit.
    beside: Sequence[Beside] = ()


def change(
    path: str,
    decide: Callable[[Snapshot, bool], Write[Outcome] | None],
    *,
    documents: DocumentStore,
    publisher: MessagePublisher,
    published: Outcome,
    idle: Outcome,
    gone: Outcome,
    max_conflicts: int = MAX_CONFLICTS,
) -> Outcome:
    """What became of the document at `path`.

    `decide(snapshot, rejected)` says what to write, or None for nothing: that is `idle`, or
    `published` when our message is out and somebody else was faster with the document. `gone`:
    there is none. Raises `Rejected` when the store does not take the second decision either,
    `Unavailable` or `Missing` (no such topic) when a service failed, `Conflict` when the document
    kept changing.
    """
    is_published = rejected = False
    for _ in range(max_conflicts + 1):
        snapshot = documents.read(path)
        if snapshot is None:
            return gone
        write = decide(snapshot, rejected)
        if write is None:
            return published if is_published else idle
        if write.message is not None and not is_published:
            publisher.publish(write.message.topic, write.message.data)
            is_published = True
        try:
            documents.update(path, write.changes, expected=snapshot.version, beside=write.beside)
        except (Conflict, Missing, AlreadyExists):
            # One of those beside it may be what changed, came or went: reading tells.
            continue
        except Rejected:
            if rejected:
                raise
            rejected = True
            continue
        return write.outcome
    raise Conflict(f"{path} changed {max_conflicts + 1} times while it was being changed")
