"""A dispatched deployment on the emulators, and what befalls its generations.

A Firestore project and a topic of its own, the function under functions-framework, a sweep on
demand, and the local double of RunPod.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from google.cloud import firestore

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from shared.clock import SystemClock
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, GenerationPath
from tests.contract.runpod_service import RunPodService, State
from tests.emulator.function_host import FunctionHost, MessageEvents
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.pubsub import PubSubPublisher
from trigger.adapters.runpod import RunPodJobs, runpod_client
from trigger.enqueue import Outcome, enqueue
from trigger.sweep import Swept, sweep

#: Of its own, so that the stack's functions see none of its documents.
PROJECT = f"demo-dispatch-{uuid4().hex[:8]}"
ENDPOINT = "pictures-1"
PROMPT = "a red circle that nobody may log"
CREATED: dict[str, Any] = {"input": {"prompt": PROMPT}, "status": "pending"}
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@dataclass(frozen=True)
class Deployment:
    """A dispatched one: its database, its topic, its function, its sweep, and RunPod."""

    client: firestore.Client
    publisher: PubSubPublisher
    runpod: RunPodService
    events: MessageEvents

    @property
    def host(self) -> FunctionHost:
        return self.events.host

    def accept(self, **fields: Any) -> GenerationPath:
        """A new generation on its way: marked and published as `enqueue` does it."""
        path = GenerationPath(uid="ann", generation_id=uuid4().hex)
        created = {**CREATED, "created_at": LONG_AGO, **fields}
        self.client.document(str(path)).create(created)
        outcome = enqueue(str(path), created, documents=self.documents, publisher=self.publisher)
        assert outcome is Outcome.ACCEPTED
        return path

    def publish(self, path: GenerationPath) -> None:
        self.publisher.publish(IMAGE_TOPIC, GenerationMessage(path=path).to_bytes())

    def read(self, path: GenerationPath) -> dict[str, Any]:
        document: dict[str, Any] = self.client.document(str(path)).get().to_dict()
        return document

    def write(self, path: GenerationPath, **fields: Any) -> None:
        self.client.document(str(path)).update(fields)

    @property
    def documents(self) -> FirestoreDocuments:
        return FirestoreDocuments(self.client)

    def sweep(self) -> Swept:
        with runpod_client(self.runpod.key, self.runpod.base_url) as client:
            return sweep(
                documents=self.documents,
                search=FirestoreSearch(self.client),
                publisher=self.publisher,
                clock=SystemClock(),
                jobs=RunPodJobs(lambda: client),
            )

    def jobs_of(self, path: GenerationPath, *states: State) -> list[str]:
        """Ids, in the order of their start."""
        return [
            job_id
            for job_id in self.runpod.by_state(*(states or tuple(State)))
            if self.runpod.jobs[job_id].request["input"]["file_uid"] == path.generation_id
        ]

    def dispatched(self, path: GenerationPath) -> str:
        """The id of the job that the document names, as soon as its message is done with."""
        self.events.wait_for(str(path), 200)
        job_id: str = self.read(path)["dispatch"]["job_id"]
        return job_id


def claimed_by_a_worker(deployment: Deployment, path: GenerationPath) -> bool:
    """What a job's worker does first."""
    clock, store = SystemClock(), deployment.documents
    taken = take(store, clock, path, worker_id="w", on_cancel_requested=lambda: None)
    return isinstance(taken, LeasedDocument)


def overdue(deployment: Deployment, path: GenerationPath) -> None:
    """As if an hour had gone by since it was handed over."""
    dispatch = {**deployment.read(path)["dispatch"], "at": LONG_AGO}
    deployment.write(path, dispatch=dispatch, queued_at=LONG_AGO, sweep_after=LONG_AGO)
