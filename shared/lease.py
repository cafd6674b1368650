"""The lease of a generation: who may write to its document, until when, under which token.

A token is a fencing token: each claim takes the next number, so whoever holds a smaller one lost
the lease for good. `expires_at` is in the *server's* time, taken from its own replies, so that a
worker with a wrong wall clock neither steals a lease nor loses its own. In that time the first
token is counted too, so that tokens go on growing over a document's deletion and second life.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: How long a claim lasts without a heartbeat: two heartbeats may be lost, and a restart is noticed
#: within half a minute.
LEASE_SECONDS = 30.0
#: Time between the starts of two heartbeats.
HEARTBEAT_SECONDS = 8.0
#: The holder stops trusting its lease this long before anybody else may take it: one denoising step
#: of the slowest model plus the time to tell the engine.
SAFETY_MARGIN_SECONDS = 6.0

#: The longest that a worker can be told to take; a lease that ends later is an admin's slip.
MAX_LEASE_SECONDS = 600.0

#: No document is claimed that often; above it an admin's slip would overflow Firestore's integers.
MAX_TOKEN = 2**53


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """`worker_id` and `expires_at` are None while nobody holds it; the token stays."""

    token: int
    worker_id: str | None
    expires_at: datetime | None

    @classmethod
    def from_document(cls, raw: object) -> "Lease":
        """Read the document's `lease`; absent or unreadable means never claimed (token 0)."""
        if not isinstance(raw, Mapping):
            return FREE
        token, worker_id, expires_at = (raw.get(k) for k in ("token", "worker_id", "expires_at"))
        return cls(
            token=token if type(token) is int and 0 <= token < MAX_TOKEN else 0,
            worker_id=worker_id if isinstance(worker_id, str) else None,
            expires_at=expires_at if isinstance(expires_at, datetime) else None,
        )

    def to_document(self) -> dict[str, Any]:
        return {"token": self.token, "worker_id": self.worker_id, "expires_at": self.expires_at}

    def held_at(self, server_now: datetime) -> bool:
        """True while somebody may rely on it. No worker relies on what it could not have taken."""
        longest = timedelta(seconds=MAX_LEASE_SECONDS)
        return self.expires_at is not None and (
            server_now < self.expires_at <= server_now + longest
        )

    def taken(self, worker_id: str, *, server_now: datetime, expires_at: datetime) -> "Lease":
        """A claim by `worker_id` at `server_now`: the next token, or the document's first."""
        token = self.token + 1 if self.token else first_token(server_now)
        return Lease(token=token, worker_id=worker_id, expires_at=expires_at)

    def renewed(self, expires_at: datetime) -> "Lease":
        return Lease(token=self.token, worker_id=self.worker_id, expires_at=expires_at)

    def released(self) -> "Lease":
        return Lease(token=self.token, worker_id=None, expires_at=None)


def first_token(server_now: datetime) -> int:
    """Milliseconds since 1970: above every token of an earlier document of the same id.

    Files of a deleted document may lie there still, under its tokens. Were these counted from 1,
    the next document of that id would find its names taken, or its files removed with the other's.
    """
    return int(server_now.timestamp() * 1000)


FREE = Lease(token=0, worker_id=None, expires_at=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustWindow:
    """Until when, on the monotonic clock, the holder may act on its lease without asking.

    Anchored to the *start* of the last successful write that moved the lease's end, because the
    server counts from some moment after that; so it ends before the lease does, whatever the
    network took.
    """

    counted_from: float
    ends: float

    @classmethod
    def after(cls, write_started: float, lease: timedelta) -> "TrustWindow":
        ends = write_started + lease.total_seconds() - SAFETY_MARGIN_SECONDS
        return cls(counted_from=write_started, ends=ends)

    def open_at(self, monotonic: float) -> bool:
        return monotonic < self.ends
