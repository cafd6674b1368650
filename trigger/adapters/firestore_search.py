"""`GenerationSearch` and `UsageSearch` over a google-cloud-firestore client.

Collection-group queries and batch reads. Queries ask for nothing but the moment they are ordered
by, so that no document is transferred whole and none that cannot be decoded stops them. Each needs
its index of `firestore.indexes.json`. Bounds: see `trigger.adapters.transient`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.api_core.retry import Retry
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.paths import ACCOUNTS, GENERATIONS
from shared.ports import Found, Overdue
from shared.status import Status
from trigger.adapters.transient import ATTEMPT_TIMEOUT, RETRY, answered


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Equalities, and the field of the moment."""

    equal: tuple[FieldFilter, ...]
    moment: str


QUERIES: Mapping[Overdue, Query] = {
    Overdue.CANCELLED: Query(
        equal=(
            FieldFilter("cancel_requested", "==", True),
            FieldFilter("status", "in", [Status.PENDING.value, Status.QUEUED.value]),
        ),
        moment="created_at",
    ),
    Overdue.PENDING: Query(
        equal=(FieldFilter("status", "==", Status.PENDING.value),), moment="created_at"
    ),
    Overdue.LAPSED: Query(
        equal=(FieldFilter("status", "==", Status.PROCESSING.value),), moment="lease.expires_at"
    ),
    Overdue.QUEUED: Query(
        equal=(FieldFilter("status", "==", Status.QUEUED.value),), moment="sweep_after"
    ),
}


#: Of a usage document; its index over everybody's is in `fieldOverrides`.
RECONCILE_AFTER = "reconcile_after"


class FirestoreSearch:
    """Generations of the database that `client` (a `firestore.Client`) talks to."""

    def __init__(self, client: Any, retry: Retry = RETRY) -> None:
        self._client = client
        self._retry = retry

    def overdue(
        self, what: Overdue, *, before: datetime, limit: int, after: Found | None = None
    ) -> Sequence[Found]:
        asked = QUERIES[what]
        query = self._client.collection_group(GENERATIONS)
        for condition in (*asked.equal, FieldFilter(asked.moment, "<=", before)):
            query = query.where(filter=condition)
        query = query.order_by(asked.moment).select([asked.moment]).limit(limit)
        if after is not None:
            query = query.start_after(after.cursor)
        with answered(f"the {what} generations"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [Found(path=one.reference.path, cursor=one) for one in found]

    def unreconciled(self, *, before: datetime, limit: int) -> Sequence[str]:
        due = FieldFilter(RECONCILE_AFTER, "<=", before)
        query = self._client.collection_group(ACCOUNTS).where(filter=due)
        query = query.order_by(RECONCILE_AFTER).select([RECONCILE_AFTER]).limit(limit)
        with answered("usage that is to be reconciled"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [one.reference.path for one in found]

    def states(
        self, paths: Iterable[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        references = [self._client.document(path) for path in paths]
        with answered("the states of generations"):
            found = list(
                self._client.get_all(references, fields, retry=self._retry, timeout=ATTEMPT_TIMEOUT)
            )
        return {one.reference.path: one.to_dict() for one in found if one.exists}
