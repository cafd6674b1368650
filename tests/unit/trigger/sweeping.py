"""Generations that nobody works on, and a deployment in memory that sweeps them up."""

from datetime import timedelta
from typing import Any

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.sweeping import PENDING_SECONDS, QUEUED_SECONDS
from tests.unit.lifecycle.world import START, ManualClock
from trigger.sweep import Swept, sweep

SECRET = "a red circle that nobody may log"
LONG_AGO = START - timedelta(hours=1)


def pending(age: float = PENDING_SECONDS) -> dict[str, Any]:
    created_at = START - timedelta(seconds=age)
    return {"input": {"prompt": SECRET}, "status": "pending", "created_at": created_at}


def queued(age: float = QUEUED_SECONDS, **fields: Any) -> dict[str, Any]:
    since = START - timedelta(seconds=age)
    given = {"status": "queued", "queued_at": since, "sweep_after": since}
    return {**pending(age), **given, **fields}


def processing(expired_for: float, **fields: Any) -> dict[str, Any]:
    expires_at = START - timedelta(seconds=expired_for)
    lease = {"token": 4, "worker_id": "w", "expires_at": expires_at}
    return {**pending(), "status": "processing", "attempt": 1, "lease": lease, **fields}


class Deployment:
    """Documents under one user, a publisher and a clock that stands still."""

    def __init__(self, documents: InMemoryDocuments | None = None) -> None:
        self.clock = ManualClock()
        self.documents = documents or InMemoryDocuments(self.clock)
        self.publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))

    def put(self, **documents: dict[str, Any]) -> None:
        for name, fields in documents.items():
            self.documents.create(f"users/ann/generations/{name}", fields)

    def sweep(self, **changed: Any) -> Swept:
        ports = {
            "documents": self.documents,
            "search": self.documents,
            "publisher": self.publisher,
            "clock": self.clock,
        }
        return sweep(**{**ports, **changed})

    def statuses(self) -> dict[str, str]:
        return {
            path.rpartition("/")[2]: data["status"]
            for path, (_, data) in self.documents._documents.items()
        }

    def published(self) -> list[str]:
        return sorted(
            GenerationMessage.from_bytes(data).path.generation_id
            for messages in self.publisher.published.values()
            for data in messages
        )
