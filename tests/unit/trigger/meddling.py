"""One document, its event, and whoever acts between the steps of a use case."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.clock import Clock
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.message import GenerationMessage
from shared.ports import Beside, Changes, Unavailable, Written
from trigger.enqueue import Outcome, enqueue

PATH = "users/ann/generations/g1"
CREATED: dict[str, Any] = {"input": {"prompt": "a red circle"}, "status": "pending"}


class MeddledDocuments(InMemoryDocuments):
    """Somebody else acts right before each of the use case's updates."""

    def __init__(
        self, *meddlings: Callable[["MeddledDocuments"], None], clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self.meddlings = list(meddlings)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        if self.meddlings:
            self.meddlings.pop(0)(self)
        return super().update(path, changes, expected=expected, beside=beside)

    def write(self, **fields: Any) -> None:
        """What another party writes, whatever the version."""
        snapshot = self.read(PATH)
        assert snapshot is not None
        super().update(PATH, fields, expected=snapshot.version)


class FailingPublisher(InMemoryPublisher):
    def publish(self, topic: str, data: bytes) -> None:
        raise Unavailable("Pub/Sub is away")


def document_of(documents: InMemoryDocuments, path: str = PATH) -> dict[str, Any]:
    snapshot = documents.read(path)
    assert snapshot is not None
    return dict(snapshot.data)


def run(
    documents: InMemoryDocuments,
    publisher: InMemoryPublisher,
    created: dict[str, Any] | None = None,
) -> Outcome:
    """One event for a document that is in the store already."""
    return enqueue(PATH, created or CREATED, documents=documents, publisher=publisher)


def paths_on(publisher: InMemoryPublisher, topic: str) -> list[str]:
    return [str(GenerationMessage.from_bytes(data).path) for data in publisher.published[topic]]
