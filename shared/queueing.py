"""Where a generation stands that waits: how many come before it, and how long that will take.

Pure but for the port. A kind's `Load` is measured once a minute and kept in the document
`system/queue`; a place is worked out from it as from a queue with one line and as many servers as
workers, each of which takes the kind's mean seconds. The ends of those that run are spread evenly
over that time, so half of each is left on the average; who is idle begins a whole one now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.kinds import Kind
from shared.status import Status

#: A load that was measured longer ago says nothing any more: three minutes were missed.
STALE_SECONDS = 240.0
#: Beyond it no estimate is worth showing; a day.
MAX_ETA_SECONDS = 86_400.0
#: No count of ours comes near it; an admin's slip would else overflow what is worked out.
_MAX_COUNT = 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What one kind's line was like when it was measured. Numbers are ≥ 0."""

    waiting: int = 0
    running: int = 0
    #: Alive, and able to take this kind.
    workers: int = 0
    #: The mean of what the engine took lately; None: nobody knows.
    seconds_per_job: float | None = None
    #: When the one was created that has waited longest.
    oldest: datetime | None = None

    @classmethod
    def from_document(cls, raw: object) -> "Load":
        """Lenient: only the server writes it."""
        if not isinstance(raw, Mapping):
            return cls()
        seconds, oldest = raw.get("seconds_per_job"), raw.get("oldest")
        return cls(
            **{name: _count(raw.get(name)) for name in ("waiting", "running", "workers")},
            seconds_per_job=read_seconds(seconds),
            oldest=oldest if isinstance(oldest, datetime) else None,
        )

    def to_document(self) -> dict[str, Any]:
        return {
            "waiting": self.waiting,
            "running": self.running,
            "workers": self.workers,
            "seconds_per_job": self.seconds_per_job,
            "oldest": self.oldest,
        }

    def place(self, ahead: int) -> dict[str, Any]:
        """The document's `queue` with `ahead` generations (≥ 0) before it. `eta_seconds`: until it
        is begun, for worker machines that stay; left out when nobody can know."""
        place: dict[str, Any] = {"ahead": ahead}
        # Where machines come and go by themselves nobody says that he is there.
        servers = max(self.workers, self.running)
        if servers == 0 or self.seconds_per_job is None:
            return place
        eta = self._jobs_until(ahead, servers) * self.seconds_per_job
        return {**place, "eta_seconds": round(min(eta, MAX_ETA_SECONDS), 1)}

    def _jobs_until(self, ahead: int, servers: int) -> float:
        """How many lengths of a job pass until the one with `ahead` before it is begun."""
        idle = servers - self.running
        if ahead < idle:
            return 0.0
        # Every server ends one in each length: first those that run, then those that begin now.
        whole, nth = divmod(ahead - idle, servers)
        return whole + ((nth + 0.5) / self.running if nth < self.running else 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One generation that waits, as a search found it."""

    path: str
    #: For a compare-and-set.
    version: Any
    #: Its `queue`, if there is one.
    queue: object
    created_at: datetime


class QueueSearch(Protocol):
    """Looks over everybody's lines. Any call may raise `Unavailable`."""

    def count(self, status: Status, kind: Kind) -> int:
        """Generations of the `kind` that have the `status`."""

    def waiting(self, kind: Kind, *, limit: int) -> Sequence[Waiting]:
        """At most `limit` that are queued, earliest first."""

    def workers(self, *, since: datetime, limit: int) -> Sequence[Mapping[str, Any]]:
        """What at most `limit` workers last said of themselves, at `since` or later."""


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= _MAX_COUNT else 0


def read_seconds(value: object) -> float | None:
    """`value` of a document, if it can be the seconds of a job: above 0, at most a day."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= MAX_ETA_SECONDS else None
