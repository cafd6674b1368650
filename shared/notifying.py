"""The ports of notifications: where people's devices are noted, and the service that reaches them.

`trigger/adapters/firestore_notices.py` and `trigger/adapters/fcm.py` are the real ones;
`shared/in_memory_notices.py` has one of each for tests. Errors are those of `shared.ports`,
`StaleToken`, and `shared.serverless.Misconfigured`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class StaleToken(Exception):
    """No device has this token (any more): it is to be forgotten. The text holds no token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """In plain English, and the name by which an app finds it in its own language."""

    plain: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """What a device shows. Holds nothing of what the person wrote."""

    #: A second one of the same tag takes the first one's place; 1 … 128 characters.
    tag: str
    title: Text
    body: Text
    #: For the app's program.
    data: Mapping[str, str]
    #: Of a small picture, readable by whoever has it; None: none is shown.
    image_url: str | None
    #: Whether the device looks the texts up by their keys where it can; else they are plain.
    by_key: bool
    #: How long it is kept for a device that is off, in whole seconds ≥ 1, and until when that is.
    seconds: int
    expires_at: datetime


class PushService(Protocol):
    def send(self, token: str, notification: Notification, *, within: float) -> None:
        """Return once the service has taken it for the device that has `token`.

        Tried again for `within` seconds as long as the service is away, and not longer than it asks
        to be left alone. Where a reply was lost it may come twice: its `tag` hides that.

        Raises `StaleToken`, `Rejected` when the service will never take it for this device,
        `Unavailable`, and `Misconfigured` when an operator has to mend something.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One document of `users/{uid}/devices`."""

    path: str
    token: str
    #: Opaque; hand it back to `remove`.
    version: Any

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class NoticeStore(Protocol):
    """What is not read and written by `DocumentStore`. Any call may raise `Unavailable`."""

    def devices(self, uid: str, *, limit: int) -> Sequence[Device]:
        """At most `limit` of a person's, the one that last said how it is told first. A document
        without `updated_at`, or without a token, is none."""

    def overdue(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Paths of at most `limit` notices, or what else has their name, whose `again_after` is
        `before` or earlier, earliest first."""

    def remove(self, path: str, *, expected: Any) -> bool:
        """Whether the document of that version was removed: False when it has another one by now,
        or is gone."""
