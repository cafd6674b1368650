"""`DocumentStore` over a google-cloud-firestore client.

A version is the document's `update_time`; compare-and-set is the write's precondition on it, never
a transaction, whose retries have no backoff. Bounds: see `trigger.adapters.transient`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import firestore

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
from trigger.adapters.transient import ATTEMPT_TIMEOUT, GAVE_UP, RETRY

SENTINELS = {SERVER_TIME: firestore.SERVER_TIMESTAMP, DELETE: firestore.DELETE_FIELD}


class FirestoreDocuments:
    """Documents of the database that `client` (a `firestore.Client`) talks to."""

    def __init__(self, client: Any, retry: Retry = RETRY) -> None:
        self._client = client
        self._writing = Writing(
            client=client,
            sentinels=SENTINELS,
            delete=firestore.DELETE_FIELD,
            increment=firestore.Increment,
        )
        self._retry = retry

    def read(self, path: str) -> Snapshot | None:
        def get(fields: Sequence[str] | None) -> Any:
            with _our_errors(path):
                return self._client.document(path).get(
                    fields, retry=self._retry, timeout=ATTEMPT_TIMEOUT
                )

        return read_snapshot(get)

    def create(self, path: str, data: Changes) -> Written:
        batch = self._client.batch()
        batch.create(self._client.document(path), self._writing.native(data))
        return self._commit(batch, path)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        batch = self._client.batch()
        self._writing.add_update(batch, path, changes, expected)
        for other in beside:
            self._writing.add_beside(batch, other)
        return self._commit(batch, path)

    def _commit(self, batch: Any, path: str) -> Written:
        with _our_errors(path):
            result, *_ = batch.commit(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return Written(version=result.update_time, commit_time=batch.commit_time)


@contextmanager
def _our_errors(path: str) -> Iterator[None]:
    try:
        yield
    except exceptions.FailedPrecondition as error:
        raise Conflict(f"{path} is not the version that was expected") from error
    except exceptions.NotFound as error:
        raise Missing(f"there is no document {path}") from error
    except exceptions.AlreadyExists as error:
        raise AlreadyExists(f"there is a document {path} already") from error
    except exceptions.InvalidArgument:
        # Without the server's words, which may quote what the person wrote.
        raise Rejected(f"Firestore does not take this write to {path}") from None
    except GAVE_UP as error:
        raise Unavailable(f"Firestore did not answer for {path}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    # RetryError's own text is "Timeout of 12.0s exceeded"; what it hides is the reason.
    return str(getattr(error, "cause", None) or error)
