"""`NoticeStore` over a google-cloud-firestore client. Bounds: see `trigger.adapters.transient`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.notice import AGAIN_AFTER
from shared.notifying import Device
from shared.paths import DEVICES_PATTERN, NOTICES
from trigger.adapters.transient import ATTEMPT_TIMEOUT, RETRY, answered

UPDATED_AT = "updated_at"
TOKEN = "token"  # noqa: S105 (a field's name)


class FirestoreNotices:
    """Of the database that `client` (a `firestore.Client`) talks to."""

    def __init__(self, client: Any, retry: Retry = RETRY) -> None:
        self._client = client
        self._retry = retry

    def devices(self, uid: str, *, limit: int) -> Sequence[Device]:
        query = self._client.collection(DEVICES_PATTERN.format(uid=uid)).select([TOKEN])
        query = query.order_by(UPDATED_AT, direction=firestore.Query.DESCENDING).limit(limit)
        with answered("a person's devices"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [
            Device(path=one.reference.path, token=token, version=one.update_time)
            for one in found
            if isinstance(token := one.to_dict().get(TOKEN), str) and token
        ]

    def overdue(self, *, before: datetime, limit: int) -> Sequence[str]:
        due = FieldFilter(AGAIN_AFTER, "<=", before)
        query = self._client.collection_group(NOTICES).where(filter=due)
        query = query.order_by(AGAIN_AFTER).select([AGAIN_AFTER]).limit(limit)
        with answered("notices that nobody has told"):
            found = query.get(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return [one.reference.path for one in found]

    def remove(self, path: str, *, expected: Any) -> bool:
        option = self._client.write_option(last_update_time=expected)
        try:
            with answered("the removal of a notice or a device"):
                self._client.document(path).delete(
                    option, retry=self._retry, timeout=ATTEMPT_TIMEOUT
                )
        except (exceptions.FailedPrecondition, exceptions.NotFound):
            # Also where our own removal's reply was lost.
            return False
        return True
