"""`QueueSearch` over a google-cloud-firestore client: one query or aggregation a question.

Their composite indexes are in firestore.indexes.json. Bounds: see `trigger.adapters.transient`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.api_core.retry import Retry
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.kinds import Kind
from shared.paths import GENERATIONS, WORKERS_COLLECTION
from shared.queueing import Waiting
from shared.status import Status
from trigger.adapters.transient import ATTEMPT_TIMEOUT, RETRY, answered

#: Firestore bills a thousand counted entries as one read; nobody waits behind so many for long.
MAX_COUNTED = 100_000


class FirestoreQueueSearch:
    """Lines of the database that `client` (a `firestore.Client`) talks to."""

    def __init__(self, client: Any, retry: Retry = RETRY) -> None:
        self._client = client
        self._retry = retry

    def count(self, status: Status, kind: Kind) -> int:
        query = self._generations(status, kind).limit(MAX_COUNTED).count()
        with answered(f"the number of {status} generations"):
            ((result,),) = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return int(result.value)

    def waiting(self, kind: Kind, *, limit: int) -> Sequence[Waiting]:
        query = self._generations(Status.QUEUED, kind).order_by("created_at")
        query = query.select(["queue", "created_at"]).limit(limit)
        with answered("the generations that wait"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [
            Waiting(
                path=one.reference.path,
                version=one.update_time,
                queue=one.get("queue") if "queue" in (one.to_dict() or {}) else None,
                created_at=one.get("created_at"),
            )
            for one in found
        ]

    def workers(self, *, since: datetime, limit: int) -> Sequence[Mapping[str, Any]]:
        query = self._client.collection(WORKERS_COLLECTION)
        query = query.where(filter=FieldFilter("updated_at", ">=", since))
        query = query.order_by("updated_at", direction="DESCENDING").limit(limit)
        with answered("the workers"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [one.to_dict() for one in found]

    def _generations(self, status: Status, kind: Kind) -> Any:
        query = self._client.collection_group(GENERATIONS)
        query = query.where(filter=FieldFilter("status", "==", status.value))
        return query.where(filter=FieldFilter("kind", "==", kind.value))
