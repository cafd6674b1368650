"""A dispatched deployment in memory: one document, and a service with two endpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.claim import Claim, decide_claim
from shared.dispatched import FRESH_SECONDS
from shared.document import Generation
from shared.in_memory_jobs import InMemoryJobs
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.serverless import JobLimits
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.meddling import PATH, MeddledDocuments, document_of
from trigger.dispatch import Dispatcher, Handed
from trigger.endpoints import Endpoint

PROMPT = "a red circle that nobody may log"
LIMITS = JobLimits(execution_seconds=60, ttl_seconds=600)
ENDPOINTS = {
    IMAGE_TOPIC: Endpoint(endpoint_id="pictures", limits=LIMITS),
    VIDEO_TOPIC: Endpoint(endpoint_id="films", limits=LIMITS),
}
QUEUED: dict[str, Any] = {
    "input": {"prompt": PROMPT},
    "status": "queued",
    "queued_at": START,
    "sweep_after": START,
}
LONG_AGO = START - timedelta(seconds=FRESH_SECONDS)


def handed_over(job_id: str = "job-1", **fields: Any) -> dict[str, Any]:
    """A generation that was handed to a job a while ago."""
    dispatch = {"endpoint": "pictures", "job_id": job_id, "at": LONG_AGO, "token": 0}
    return {**QUEUED, "dispatch": dispatch, **fields}


class World:
    """One document, a service with two endpoints, and whoever meddles before each update."""

    def __init__(
        self, fields: dict[str, Any] | None, *meddlings: Callable[[MeddledDocuments], None]
    ) -> None:
        self.documents = MeddledDocuments(*meddlings, clock=ManualClock())
        if fields is not None:
            self.documents.create(PATH, fields)
        self.jobs = InMemoryJobs("pictures", "films")

    def dispatch(self, jobs: InMemoryJobs | None = None, **changed: Any) -> Handed:
        ports: dict[str, Any] = {
            "documents": self.documents,
            "jobs": jobs or self.jobs,
            "endpoints": ENDPOINTS,
        }
        return Dispatcher(**{**ports, **changed}).dispatch(GenerationPath.parse(PATH))

    @property
    def document(self) -> dict[str, Any]:
        return document_of(self.documents)

    def started_before(self) -> str:
        """A job of this generation that is alive, as if an earlier message had started it."""
        return self.jobs.start("pictures", {}, LIMITS)


def claim(documents: MeddledDocuments) -> None:
    """The job's worker is quick."""
    path = GenerationPath.parse(PATH)
    generation = Generation.from_document(path, document_of(documents))
    decision = decide_claim(generation, worker_id="quick", server_now=START)
    assert isinstance(decision, Claim)
    documents.write(**decision.changes)


class Refusing(InMemoryJobs):
    """A service that answers every start with the same error."""

    def __init__(self, error: Exception) -> None:
        super().__init__("pictures", "films")
        self.error = error

    def start(self, *_: object) -> str:
        raise self.error
