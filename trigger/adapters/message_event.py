"""Reads our message out of the event of a Pub/Sub function."""

import base64
import binascii
from typing import Any

from shared.message import GenerationMessage, MalformedMessage


def read_message(event: Any) -> GenerationMessage:
    """Of a `CloudEvent[MessagePublishedData]`. Raises `MalformedMessage` or `NewerSchema`."""
    try:
        data = base64.b64decode(event.data.message.data or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise MalformedMessage("the message's data is not base64") from None
    return GenerationMessage.from_bytes(data)
