"""Changes one document by a decision over what it is now, and publishes before it says so.

Every write is compare-and-set, decided anew on a conflict at most MAX_CONFLICTS times. The message
goes out first and once, so that a `queued` document always had one; two that do it at the same time
publish two messages and write once. A write that the store will never take is decided anew, once,
for a document without the input.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.ports import (
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


def change(
    path: str,
    decide: Callable[[Snapshot, bool], Write[Outcome] | None],
    *,
    documents: DocumentStore,
    publisher: MessagePublisher,
    published: Outcome,
    idle: Outcome,
    gone: Outcome,
) -> Outcome:
    """What became of the document at `path`.

    `decide(snapshot, rejected)` says what to write, or None for nothing: that is `idle`, or
    `published` when our message is out and somebody else was faster with the document. `gone`:
    there is none. Raises `Rejected` when the store does not take the second decision either,
    `Unavailable` or `Missing` (no such topic) when a service failed, `Conflict` when the document
    kept changing.
    """
    is_published = rejected = False
    for _ in range(MAX_CONFLICTS + 1):
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
            documents.update(path, write.changes, expected=snapshot.version)
        except Conflict:
            continue
        except Rejected:
            if rejected:
                raise
            rejected = True
            continue
        except Missing:
            return gone
        return write.outcome
    raise Conflict(f"{path} changed {MAX_CONFLICTS + 1} times while it was being changed")
