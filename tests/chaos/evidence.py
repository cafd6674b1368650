"""What a scenario leaves behind for the oracle: states seen, files stored, messages left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.lease import Lease
from shared.status import Status


@dataclass(frozen=True, kw_only=True)
class State:
    """One version of a document, as a listener saw it."""

    status: Status
    token: int
    worker_id: str | None
    attempt: int
    #: The server's time of the write.
    at: datetime
    #: 0 … 1; None when the document tells of no progress.
    fraction: float | None = None
    #: `output`, as far as it is there.
    output: Mapping[str, Any] | None = None
    error_code: str | None = None
    cancel_requested: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any], at: datetime) -> "State":
        lease = Lease.from_document(data.get("lease"))
        return cls(
            status=Status(data["status"]),
            token=lease.token,
            worker_id=lease.worker_id,
            attempt=data.get("attempt", 0),
            at=at,
            fraction=(data.get("progress") or {}).get("fraction"),
            output=data.get("output"),
            error_code=(data.get("error") or {}).get("code"),
            cancel_requested=data.get("cancel_requested") is True,
        )


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    name: str
    content: bytes
    #: Length and MD5 are those that the upload left.
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    #: Every document ever created → its versions as the listener saw them, in order.
    states: Mapping[str, Sequence[State]]
    #: The same documents as read at the end, in the same form.
    final: Mapping[str, State]
    files: Sequence[StoredFile] = field(default=())
    messages_left: int = 0
    #: What does not fit between usage and generations, in words; see `tests.chaos.ledger`.
    quota_drift: Sequence[str] = field(default=())
    #: Processes that should have ended, in words.
    processes_left: Sequence[str] = field(default=())
