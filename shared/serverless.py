"""The port of services that start and stop GPU workers by themselves and take jobs for them.

`trigger/adapters/runpod.py` is RunPod's; `shared/in_memory_jobs.py` is for tests. A job is known by
its endpoint (which workers) and its id. Errors are those of `shared.ports`, and `Misconfigured`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.errors import WrongSetting

#: Of a job's request, as JSON: RunPod's bound on `/run`.
MAX_REQUEST_BYTES = 10_000_000


class Misconfigured(WrongSetting):
    """The service does not let us in, or does not know what our settings name: an operator has to
    mend it. The text says what to look at, and holds neither a secret nor what a person wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobLimits:
    """When the service gives a job up by itself, in whole seconds."""

    #: From the moment that a worker takes it.
    execution_seconds: int
    #: From its start on, waiting included.
    ttl_seconds: int


class ServerlessJobs(Protocol):
    """Any call may raise `Unavailable`, and `Misconfigured`."""

    def start(self, endpoint: str, request: Mapping[str, Any], limits: JobLimits) -> str:
        """The id of a new job that gives `request`, in JSON, to a worker of `endpoint`.

        Where a reply was lost on the way, another job with this request may have been started
        before: whoever works on it must be able to tell. Raises `TooLarge` before anything is sent,
        and `Rejected` when the service takes no such request.
        """

    def alive(self, endpoint: str, job_id: str) -> bool:
        """Whether the job waits or is worked on: not if it has ended, in whatever way, nor if
        nobody knows it (any more)."""

    def cancel(self, endpoint: str, job_id: str) -> None:
        """End the job; nothing happens when it is not alive."""
