"""Takes everything but a few fields out of a Firestore event before it is decoded.

The decoder raises on values that a client may well write (a reference to another project), and its
error quotes them. Use cases read the document itself; of the event they need what the server wrote.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.events.cloud.firestore import Document, DocumentEventData

Answer = TypeVar("Answer")
Handler = Callable[[Any], Answer]

#: What each field that is kept must be, for a decoder that a client's value cannot upset.
KINDS = {
    "status": "string_value",
    "lease": "map_value",
    "charge": "map_value",
    "dispatch": "map_value",
}


def with_fields_only(*names: str) -> Callable[[Handler[Answer]], Handler[Answer]]:
    """Makes of a handler of raw CloudEvents one whose documents have but the fields `names`, keys
    of KINDS; all attributes that deployment tools look for are kept."""

    def decorate(handler: Handler[Answer]) -> Handler[Answer]:
        @functools.wraps(handler)
        def handle(raw: Any) -> Answer:
            if isinstance(raw.data, bytes):
                raw.data = _stripped(raw.data, names)
            return handler(raw)

        return handle

    return decorate


def _stripped(data: bytes, names: Sequence[str]) -> bytes:
    event = DocumentEventData.deserialize(data)
    stripped = DocumentEventData()
    # An event has the one, the other or both; what was not there stays not there.
    if "value" in event:
        stripped.value = _with_fields_only(event.value, names)
    if "old_value" in event:
        stripped.old_value = _with_fields_only(event.old_value, names)
    return bytes(DocumentEventData.serialize(stripped))


def _with_fields_only(document: Document, names: Sequence[str]) -> Document:
    values = {name: document.fields.get(name) for name in names}
    return Document(
        name=document.name,
        fields={
            name: value
            for name, value in values.items()
            if value is not None and KINDS[name] in value
        },
        create_time=document.create_time,
        update_time=document.update_time,
    )
