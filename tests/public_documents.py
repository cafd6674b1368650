"""Documents as the server writes them, held against what apps are told of them."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.public_document import PublicGeneration

#: What an app's clocks and languages have: Firestore counts microseconds.
JSON_PRECISION = "milliseconds"


def check_public(document: Mapping[str, Any]) -> PublicGeneration:
    """Raises pydantic's `ValidationError` where a field is missing, unknown or of another type."""
    return PublicGeneration.model_validate_json(as_json(document))


def check_seen(state: Mapping[str, Any]) -> PublicGeneration:
    """`check_public` of a state as the demo's phone tells it: with `{"bytes": …}` for bytes."""
    progress = dict(state.get("progress", {}))
    if "preview" in progress:
        progress["preview"] = base64.b64decode(progress["preview"]["bytes"])
    return check_public({**state, **({"progress": progress} if progress else {})})


def as_json(document: Mapping[str, Any]) -> str:
    """As an app's model is made from it: times in ISO 8601, bytes in base64."""
    return json.dumps(document, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec=JSON_PRECISION)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{value!r} is a {type(value).__name__}; no document has such a value")
