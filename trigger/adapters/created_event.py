"""Takes everything but the status out of a "document created" event before it is decoded.

The decoder raises on values that a client may well write (a reference to another project), and its
error quotes them. The use case reads the document itself; of the event it needs the status only.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from google.events.cloud.firestore import Document, DocumentEventData

Answer = TypeVar("Answer")


def with_status_only(handler: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """`handler` of raw CloudEvents, with all attributes that deployment tools look for."""

    @functools.wraps(handler)
    def handle(raw: Any) -> Answer:
        if isinstance(raw.data, bytes):
            raw.data = _status_only(raw.data)
        return handler(raw)

    return handle


def _status_only(data: bytes) -> bytes:
    event = DocumentEventData.deserialize(data)
    document = event.value
    fields = {
        name: value
        for name, value in document.fields.items()
        if name == "status" and "string_value" in value
    }
    kept = Document(
        name=document.name,
        fields=fields,
        create_time=document.create_time,
        update_time=document.update_time,
    )
    return bytes(DocumentEventData.serialize(DocumentEventData(value=kept)))
