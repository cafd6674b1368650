"""Generation documents in Cloud Firestore: compare-and-set by last update time, and a watch.

Each call has a short deadline of its own and is retried for a bounded time on errors that another
try may cure; the client library's own retry (minutes long) is off, because a lease cannot wait.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from google.api_core import exceptions as google
from google.cloud import firestore

from gpu_worker.adapters.firestore_watch import FirestoreWatch
from gpu_worker.adapters.patience import call_patiently
from shared.document import SERVER_FIELDS
from shared.ports import (
    DELETE,
    SERVER_TIME,
    Adjustment,
    AlreadyExists,
    Beside,
    Changes,
    Conflict,
    Creation,
    Missing,
    NotInput,
    Rejected,
    Sentinel,
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
#: What the client library raises for a value that it cannot decode; the text quotes the value.
DECODING_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError)
_SENTINELS = {SERVER_TIME: firestore.SERVER_TIMESTAMP, DELETE: firestore.DELETE_FIELD}

T = TypeVar("T")


class FirestoreDocuments:
    """A `DocumentStore` and a `DocumentWatcher`. A version is the server's last update time."""

    def __init__(
        self, client: firestore.Client, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._client = client
        self._patience_seconds = patience_seconds

    def read(self, path: str) -> Snapshot | None:
        instead: dict[str, Any] = {}
        try:
            parts = [self._get(path)]
        except DECODING_ERRORS:
            # Mostly a client's `input`; the rest is the server's.
            parts, instead = self._legible(path), {"input": NotInput.UNREADABLE}
        first = parts[0]
        if not first.exists:
            return None
        data = {name: it for part in parts for name, it in (part.to_dict() or {}).items()}
        # Were it to change between the parts, the first one's version would be a conflict.
        return Snapshot(
            data={**data, **instead}, version=first.update_time, read_time=first.read_time
        )

    def _legible(self, path: str) -> list[Any]:
        """The server's fields that can be decoded: one that cannot hides all others of an answer.

        Only an admin or a bug writes such a one; it counts as not there.
        """
        try:
            return [self._get(path, SERVER_FIELDS)]
        except DECODING_ERRORS:
            parts = []
            for name in SERVER_FIELDS:
                with suppress(*DECODING_ERRORS):
                    parts.append(self._get(path, [name]))
            return parts

    def create(self, path: str, data: Changes) -> Written:
        try:
            result = self._call(
                lambda: self._client.document(path).create(
                    _native(data), retry=None, timeout=CALL_TIMEOUT_SECONDS
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
            self._add_update(batch, path, changes, expected)
            for other in beside:
                self._add_beside(batch, other)
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

    def _add_update(
        self, batch: firestore.WriteBatch, path: str, changes: Changes, expected: Any
    ) -> None:
        option = self._client.write_option(last_update_time=expected)
        batch.update(self._client.document(path), _native(changes), option=option)

    def _add_beside(self, batch: firestore.WriteBatch, it: Beside) -> None:
        if isinstance(it, Creation):
            batch.create(self._client.document(it.path), _native(it.data))
        elif isinstance(it, Adjustment):
            batch.set(self._client.document(it.path), _nested(it), merge=True)
        else:
            self._add_update(batch, it.path, it.changes, it.expected)

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> FirestoreWatch:
        return FirestoreWatch(self._client, path, on_change)

    def _get(self, path: str, fields: Sequence[str] | None = None) -> Any:
        return self._call(
            lambda: self._client.document(path).get(
                fields, retry=None, timeout=CALL_TIMEOUT_SECONDS
            )
        )

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


def _native(changes: Changes) -> dict[str, Any]:
    return {
        field: _SENTINELS[value] if isinstance(value, Sentinel) else value
        for field, value in changes.items()
    }


def _nested(adjustment: Adjustment) -> dict[str, Any]:
    """As a merge takes it: what is not named stays as it is."""
    nested: dict[str, Any] = {}
    parts = [
        *((path, firestore.Increment(amount)) for path, amount in adjustment.add.items()),
        *((path, firestore.DELETE_FIELD) for path in adjustment.remove),
    ]
    for path, value in parts:
        place = nested
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return nested
