"""A `QueueSearch` over documents in memory, under the same contract suite as Firestore's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.in_memory import InMemoryDocuments
from shared.kinds import Kind
from shared.paths import GENERATIONS, WORKERS_COLLECTION
from shared.ports import Snapshot
from shared.queueing import Waiting
from shared.status import Status


class InMemoryQueueSearch:
    def __init__(self, documents: InMemoryDocuments) -> None:
        self._documents = documents

    def count(self, status: Status, kind: Kind) -> int:
        return len(self._generations(status, kind))

    def waiting(self, kind: Kind, *, limit: int) -> Sequence[Waiting]:
        found = [
            Waiting(
                path=path,
                version=one.version,
                queue=one.data.get("queue"),
                created_at=one.data["created_at"],
            )
            for path, one in self._generations(Status.QUEUED, kind).items()
            if isinstance(one.data.get("created_at"), datetime)
        ]
        return sorted(found, key=lambda one: (one.created_at, one.path))[:limit]

    def workers(self, *, since: datetime, limit: int) -> Sequence[Mapping[str, Any]]:
        found = [
            one.data
            for one in self._documents.below(WORKERS_COLLECTION).values()
            if isinstance(one.data.get("updated_at"), datetime) and one.data["updated_at"] >= since
        ]
        return sorted(found, key=lambda one: one["updated_at"], reverse=True)[:limit]

    def _generations(self, status: Status, kind: Kind) -> Mapping[str, Snapshot]:
        return {
            path: one
            for path, one in self._documents.below(GENERATIONS, anywhere=True).items()
            if (one.data.get("status"), one.data.get("kind")) == (status, kind)
        }
