"""What a push request's body says: Pub/Sub's envelope around a message, or the message alone.

A subscription with payload unwrapping sends the latter. An envelope has `message`, our messages do
not, so no setting has to say which it is.
"""

import binascii
import json
from base64 import b64decode
from http import HTTPStatus

from starlette.requests import Request

from gpu_worker.intake.delivery import dropped, read
from gpu_worker.intake.push_answers import Refusal
from gpu_worker.lifecycle.handled import Handled
from shared.message import MalformedMessage
from shared.paths import GenerationPath

#: An envelope around one of our messages takes less than 2 KiB; attributes that somebody adds come
#: on top. Beyond it is nothing of ours.
MAX_BODY_BYTES = 65_536
#: What Pub/Sub can send at most, a message of 10 MB as base64 and its attributes: heard to its end
#: and not kept, since a message that cannot be ours has to be acknowledged like any other.
MAX_HEARD_BYTES = 16 * 1024 * 1024


async def within_bounds(request: Request) -> bytes | None:
    """The body; None for one above MAX_BODY_BYTES. Raises `Refusal` above MAX_HEARD_BYTES, and
    `ClientDisconnect` when its sender is gone."""
    kept, heard = bytearray(), 0
    async for chunk in request.stream():
        heard += len(chunk)
        if heard > MAX_HEARD_BYTES:
            words = f"The body must be at most {MAX_HEARD_BYTES} bytes."
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
        if heard <= MAX_BODY_BYTES:
            kept += chunk
    return bytes(kept) if heard <= MAX_BODY_BYTES else None


def read_push(body: bytes | None) -> GenerationPath | Handled:
    """The generation that `body` points at, or what to do with one that points at none."""
    if body is None:
        return dropped(f"it is above {MAX_BODY_BYTES} bytes, and none of ours is")
    try:
        data = _data_of(body)
    except MalformedMessage as error:
        return dropped(str(error))
    return read(data)


def _data_of(body: bytes) -> bytes:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return body  # which its reader says, in its own words
    if not isinstance(envelope, dict) or "message" not in envelope:
        return body
    message = envelope["message"]
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, str):
        raise MalformedMessage("the envelope's message has no data")
    try:
        return b64decode(data, validate=True)
    except (binascii.Error, ValueError):  # the second for what is not ASCII
        raise MalformedMessage("the envelope's data is not base64") from None
