"""What both halves' Firestore adapters do with a client alike: read what can be decoded, and put
changes into a batch. Imports no client: what is its own is handed in.

Calls, their deadlines and their errors are each adapter's own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.document import SERVER_FIELDS
from shared.ports import Adjustment, Beside, Changes, Creation, NotInput, Sentinel, Snapshot

#: What the client raises for a value that it cannot decode; the text quotes the value.
DECODING_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError)

#: The client's snapshot of a document, of these fields of it only; None: of all.
Get = Callable[[Sequence[str] | None], Any]


def read_snapshot(get: Get) -> Snapshot | None:
    """What `get` can decode of a document, by `DocumentStore.read`; raises what else `get` does."""
    instead: dict[str, Any] = {}
    try:
        parts = [get(None)]
    except DECODING_ERRORS:
        # Mostly a client's `input`; the rest is the server's.
        parts, instead = _legible(get), {"input": NotInput.UNREADABLE}
    first = parts[0]
    if not first.exists:
        return None
    data = {name: it for part in parts for name, it in (part.to_dict() or {}).items()}
    # Were it to change between the parts, the first one's version would be a conflict.
    return Snapshot(data={**data, **instead}, version=first.update_time, read_time=first.read_time)


def _legible(get: Get) -> list[Any]:
    """The server's fields that can be decoded: one that cannot hides all others of an answer.

    Only an admin or a bug writes such a one; it counts as not there.
    """
    try:
        return [get(SERVER_FIELDS)]
    except DECODING_ERRORS:
        parts = []
        for name in SERVER_FIELDS:
            with suppress(*DECODING_ERRORS):
                parts.append(get([name]))
        return parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """How changes go into a batch of `client`."""

    client: Any
    #: What stands for our sentinels in the client's terms.
    sentinels: Mapping[Sentinel, Any]
    #: Removes a field, in the client's terms.
    delete: Any
    #: Adds a number to a field, likewise.
    increment: Callable[[int], Any]

    def native(self, changes: Changes) -> dict[str, Any]:
        return {
            field: self.sentinels[value] if isinstance(value, Sentinel) else value
            for field, value in changes.items()
        }

    def add_update(self, batch: Any, path: str, changes: Changes, expected: Any) -> None:
        """`expected` is the version that the document must still have."""
        option = self.client.write_option(last_update_time=expected)
        batch.update(self.client.document(path), self.native(changes), option=option)

    def add_beside(self, batch: Any, it: Beside) -> None:
        if isinstance(it, Creation):
            batch.create(self.client.document(it.path), self.native(it.data))
        elif isinstance(it, Adjustment):
            batch.set(self.client.document(it.path), self._nested(it), merge=True)
        else:
            self.add_update(batch, it.path, it.changes, it.expected)

    def _nested(self, adjustment: Adjustment) -> dict[str, Any]:
        """As a merge takes it: what is not named stays as it is."""
        nested: dict[str, Any] = {}
        parts = [
            *((path, self.increment(amount)) for path, amount in adjustment.add.items()),
            *((path, self.delete) for path in adjustment.remove),
        ]
        for path, value in parts:
            place = nested
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place[path[-1]] = value
        return {**nested, **self.native(adjustment.put)}
