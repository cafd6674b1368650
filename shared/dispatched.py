"""The job that a generation was handed to at a serverless GPU service: its document's `dispatch`.

It holds the token that the lease had at that time: a claim since then has a greater one. So it can
be told, without asking the job's service, whether the job ever came as far as to claim its
generation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.lease import Lease

#: Part of an address: nothing that leads anywhere else in it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
#: A message that comes again this soon is a repetition, and the service is not asked: it may not
#: have heard of its own new job yet. Below the sweep's shortest patience, 120 s.
FRESH_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatched:
    endpoint: str
    job_id: str
    #: The server's time when it was decided.
    at: datetime
    #: The lease's token then.
    token: int

    @classmethod
    def from_document(cls, raw: object) -> "Dispatched | None":
        """None when there is none, or none that the server wrote."""
        if not isinstance(raw, Mapping):
            return None
        endpoint, job_id, at = raw.get("endpoint"), raw.get("job_id"), raw.get("at")
        if not (_is_name(endpoint) and _is_name(job_id) and isinstance(at, datetime)):
            return None
        # Read as a lease's is; an unreadable one is 0, which every claim is above.
        token = Lease.from_document({"token": raw.get("token")}).token
        return cls(endpoint=str(endpoint), job_id=str(job_id), at=at, token=token)

    def to_document(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "job_id": self.job_id,
            "at": self.at,
            "token": self.token,
        }

    def claimed(self, lease: Lease) -> bool:
        """Whether anybody has claimed the generation, which has `lease` now, since then."""
        return lease.token > self.token

    def fresh_at(self, server_now: datetime) -> bool:
        return server_now < self.at + timedelta(seconds=FRESH_SECONDS)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None
