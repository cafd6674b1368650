"""`DocumentStore` over a google-cloud-firestore client.

A version is the document's `update_time`; compare-and-set is the write's precondition on it, never
a transaction, whose retries have no backoff. Bounds: see `trigger.adapters.transient`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import firestore

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
    Snapshot,
    Unavailable,
    Written,
)
from trigger.adapters.transient import ATTEMPT_TIMEOUT, GAVE_UP, RETRY

#: What the client library raises for a value that it cannot decode; the text quotes the value.
DECODING_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError)


class FirestoreDocuments:
    """Documents of the database that `client` (a `firestore.Client`) talks to."""

    def __init__(self, client: Any, retry: Retry = RETRY) -> None:
        self._client = client
        self._retry = retry

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

    def _get(self, path: str, fields: Sequence[str] | None = None) -> Any:
        with _our_errors(path):
            return self._client.document(path).get(
                fields, retry=self._retry, timeout=ATTEMPT_TIMEOUT
            )

    def create(self, path: str, data: Changes) -> Written:
        batch = self._client.batch()
        batch.create(self._client.document(path), _native(data))
        return self._commit(batch, path)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        batch = self._client.batch()
        self._add_update(batch, path, changes, expected)
        for other in beside:
            self._add_beside(batch, other)
        return self._commit(batch, path)

    def _add_update(self, batch: Any, path: str, changes: Changes, expected: Any) -> None:
        unchanged = self._client.write_option(last_update_time=expected)
        batch.update(self._client.document(path), _native(changes), option=unchanged)

    def _add_beside(self, batch: Any, it: Beside) -> None:
        if isinstance(it, Creation):
            batch.create(self._client.document(it.path), _native(it.data))
        elif isinstance(it, Adjustment):
            batch.set(self._client.document(it.path), _nested(it), merge=True)
        else:
            self._add_update(batch, it.path, it.changes, it.expected)

    def _commit(self, batch: Any, path: str) -> Written:
        with _our_errors(path):
            result, *_ = batch.commit(retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        return Written(version=result.update_time, commit_time=batch.commit_time)


def _native(changes: Changes) -> dict[str, Any]:
    translated = {SERVER_TIME: firestore.SERVER_TIMESTAMP, DELETE: firestore.DELETE_FIELD}
    return {
        field: translated[value] if value is SERVER_TIME or value is DELETE else value
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
