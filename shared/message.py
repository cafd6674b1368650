"""What travels on Pub/Sub: ids only, never a prompt, with a schema version.

The message is a hint that a document may want work; the document is the truth.
"""

import json
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.paths import GenerationPath, check_id

#: Raised when a field changes meaning; adding an optional field does not raise it.
SCHEMA_VERSION = 1


class MalformedMessage(Exception):
    """Not one of our messages; no later delivery will make it one."""


class NewerSchema(Exception):
    """Published by a newer release; a worker of that release can read it, so it is handed back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationMessage:
    """One generation wants work."""

    path: GenerationPath

    def to_bytes(self) -> bytes:
        """UTF-8 JSON: `{"schema_version": 1, "uid": …, "generation_id": …}`."""
        return json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "uid": self.path.uid,
                "generation_id": self.path.generation_id,
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "GenerationMessage":
        """Raises `MalformedMessage` or `NewerSchema`. Unknown keys are left alone."""
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise MalformedMessage(f"the message is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise MalformedMessage("the message is not a JSON object")
        version = body.get("schema_version")
        if type(version) is not int or version < 1:
            # The value is a stranger's and of any length: only its kind goes into the log.
            kind = "a number below 1" if type(version) is int else type(version).__name__
            raise MalformedMessage(f"schema_version is {kind}; it must be a whole number from 1")
        if version > SCHEMA_VERSION:
            raise NewerSchema(f"schema_version is above {SCHEMA_VERSION}, the last one known here")
        try:
            path = GenerationPath(
                uid=check_id("uid", body.get("uid")),
                generation_id=check_id("generation_id", body.get("generation_id")),
            )
        except InvalidInput as error:
            raise MalformedMessage(error.message) from None
        return cls(path=path)
