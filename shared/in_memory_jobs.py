"""`ServerlessJobs` in memory; what a worker and the service do to a job is done by hand."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.ports import TooLarge
from shared.serverless import MAX_REQUEST_BYTES, JobLimits, Misconfigured


@dataclass
class InMemoryJob:
    endpoint: str
    request: Mapping[str, Any]
    limits: JobLimits
    alive: bool = True


class InMemoryJobs:
    """Jobs of `endpoints`, by their ids, in the order of their start. Thread-safe."""

    def __init__(self, *endpoints: str) -> None:
        self.endpoints = set(endpoints)
        self.jobs: dict[str, InMemoryJob] = {}
        #: The ids of those that were cancelled while they were alive.
        self.cancelled: list[str] = []
        self._lock = threading.Lock()

    def start(self, endpoint: str, request: Mapping[str, Any], limits: JobLimits) -> str:
        body = json.dumps(request)
        if len(body) > MAX_REQUEST_BYTES:
            raise TooLarge(f"the request takes {len(body)} bytes")
        self._check(endpoint)
        with self._lock:
            job_id = f"job-{len(self.jobs) + 1}"
            self.jobs[job_id] = InMemoryJob(endpoint, json.loads(body), limits)
        return job_id

    def alive(self, endpoint: str, job_id: str) -> bool:
        job = self._find(endpoint, job_id)
        return job is not None and job.alive

    def cancel(self, endpoint: str, job_id: str) -> None:
        job = self._find(endpoint, job_id)
        with self._lock:
            if job is not None and job.alive:
                job.alive = False
                self.cancelled.append(job_id)

    def end(self, job_id: str) -> None:
        """Its worker is done with it, or the service gives it up; not part of the port."""
        self.jobs[job_id].alive = False

    @property
    def waiting(self) -> list[str]:
        """The ids of those that are alive."""
        return [job_id for job_id, job in self.jobs.items() if job.alive]

    def _find(self, endpoint: str, job_id: str) -> InMemoryJob | None:
        job = self.jobs.get(job_id)
        return job if job is not None and job.endpoint == endpoint else None

    def _check(self, endpoint: str) -> None:
        if endpoint not in self.endpoints:
            raise Misconfigured(f"there is no endpoint {endpoint}")
