"""Generation documents in Cloud Firestore: compare-and-set by last update time, and a watch.

Each call has a short deadline of its own and is retried for a bounded time on errors that another
try may cure; the client library's own retry (minutes long) is off, because a lease cannot wait.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.api_core import exceptions as google
from google.cloud import firestore

from gpu_worker.adapters.firestore_watch import FirestoreWatch
from gpu_worker.adapters.patience import call_patiently
from shared.firestore_forms import Writing, read_snapshot
from shared.ports import (
    DELETE,
    SERVER_TIME,
    AlreadyExists,
    Beside,
    Changes,
    Conflict,
    Missing,
    Rejected,
    Snapshot,
    Unavailable,
    Written,
)

#: One try. Firestore answers in tens of milliseconds; a lease's safety margin is 6 s.
CALL_TIMEOUT_SECONDS = 4.0
#: All tries of one call: well inside a lease.
PATIENCE_SECONDS = 10.0

TRANSIENT = (
    google.ServiceUnavailable,
    google.DeadlineExceeded,
    google.Aborted,
    google.InternalServerError,
    google.TooManyRequests,
    google.Cancelled,
    # "Stream removed": how gRPC says that a proxy or a server closed the connection.
    google.Unknown,
    google.RetryError,
)
SENTINELS = {SERVER_TIME: firestore.SERVER_TIMESTAMP, DELETE: firestore.DELETE_FIELD}

T = TypeVar("T")


class FirestoreDocuments:
    """A `DocumentStore` and a `DocumentWatcher`. A version is the server's last update time."""

    def __init__(
        self, client: firestore.Client, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._client = client
        self._writing = Writing(
            client=client,
            sentinels=SENTINELS,
            delete=firestore.DELETE_FIELD,
            increment=firestore.Increment,
        )
        self._patience_seconds = patience_seconds

    def read(self, path: str) -> Snapshot | None:
        return read_snapshot(
            lambda fields: self._call(
                lambda: self._client.document(path).get(
                    fields, retry=None, timeout=CALL_TIMEOUT_SECONDS
                )
            )
        )

    def create(self, path: str, data: Changes) -> Written:
        try:
            result = self._call(
                lambda: self._client.document(path).create(
                    self._writing.native(data), retry=None, timeout=CALL_TIMEOUT_SECONDS
                )
            )
        except google.Conflict as error:
            raise AlreadyExists(path) from error
        return _written(result)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        def commit() -> Any:
            batch = self._client.batch()
            self._writing.add_update(batch, path, changes, expected)
            for other in beside:
                self._writing.add_beside(batch, other)
            return batch.commit(retry=None, timeout=CALL_TIMEOUT_SECONDS)[0]

        try:
            result = self._call(commit)
        except google.FailedPrecondition as error:
            raise Conflict(path) from error
        except google.NotFound as error:
            raise Missing(path) from error
        except google.Conflict as error:
            raise AlreadyExists(path) from error
        return _written(result)

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> FirestoreWatch:
        return FirestoreWatch(self._client, path, on_change)

    def _call(self, request: Callable[[], T]) -> T:
        try:
            return call_patiently(
                request,
                service="Firestore",
                transient=TRANSIENT,
                patience_seconds=self._patience_seconds,
            )
        except google.InvalidArgument:
            # Without the server's words, which may quote what the person wrote.
            raise Rejected("Firestore does not take this write") from None
        except (google.Forbidden, google.Unauthorized) as error:
            # An operator mends it, and until then no document is to be given up.
            raise Unavailable(f"Firestore: {type(error).__name__}") from error


def _written(result: Any) -> Written:
    return Written(version=result.update_time, commit_time=result.update_time)
