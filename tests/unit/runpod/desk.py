"""An office over engines that play, in memory: both ways of making a job, without a process."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import Queue
from typing import Any

from gpu_worker.deployment import wire_alone
from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.intake.runpod.answer import Answer
from gpu_worker.intake.runpod.asked import read_job
from gpu_worker.intake.runpod.office import Job, Office
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.loras import Loras
from gpu_worker.ports import EngineJob
from gpu_worker.runpod_settings import RUN_BYTES
from gpu_worker.settings import WorkerSettings
from shared.admission import DEFAULT_ADMISSION
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects

PROMPT = "a red circle that nobody may log"
QUICK = {"prompt": PROMPT, "seed": 7, "num_inference_steps": 4, "width": 64, "height": 64}
FILM = {
    "task_type": "text2video",
    "prompt": PROMPT,
    "seed": 7,
    "num_frames": 16,
    "num_inference_steps": 2,
}
PLACE = {"user_id": "ada", "file_uid": "g1", "use_cloud_storage": True}
GIVEN = {**QUICK, **PLACE}
PATH = "users/ada/generations/g1"
TIMEOUT_SECONDS = 20.0

Progress = Mapping[str, Any]


def plain(_: EngineJob) -> Script:
    return Script()


@dataclass
class Desk:
    """One worker's office."""

    script: Callable[[EngineJob], Script] = plain
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    max_bytes: int = RUN_BYTES
    documents: InMemoryDocuments = field(default_factory=InMemoryDocuments)
    objects: InMemoryObjects = field(default_factory=InMemoryObjects)
    has_cloud: bool = True

    def __post_init__(self) -> None:
        self._begun: Queue[str] = Queue()
        self.engine = InMemoryEngine(self._begin)
        self.alone: Wiring = wire_alone(WorkerSettings(**self.settings), self.engine, Loras())
        cloud = replace(
            self.alone,
            documents=self.documents,
            watcher=self.documents,
            objects=self.objects,
        )
        self.office = Office(
            self.alone, cloud if self.has_cloud else None, max_bytes=self.max_bytes
        )
        self._pool = ThreadPoolExecutor(4)

    def run(self, given: object, *, job_id: str = "job-1") -> Answer | None:
        return self.start(given, job_id=job_id)[1].result(TIMEOUT_SECONDS)

    def start(
        self,
        given: object,
        *,
        job_id: str = "job-1",
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> tuple[Job, "Future[Answer | None]"]:
        job = Job(job_id, given, on_progress)
        return job, self._pool.submit(self.office.run, job)

    def wait_held(self) -> str:
        """Until the engine stands in the middle of the next job; its id."""
        job = self._begun.get(timeout=TIMEOUT_SECONDS)
        self.engine.wait_held(job)
        return job

    def _begin(self, job: EngineJob) -> Script:
        self._begun.put(job.job_id)
        return self.script(job)

    def close(self) -> None:
        self.engine.close()
        self._pool.shutdown()


MakeDesk = Callable[..., Desk]


def held(_: EngineJob) -> Script:
    """Stops before step 2 until released."""
    return Script(hold_at=2)


def data(documents: InMemoryDocuments) -> dict[str, Any]:
    """Of the one document."""
    snapshot = documents.read(PATH)
    assert snapshot is not None
    return dict(snapshot.data)


def asked(given: dict[str, Any]) -> Any:
    """What a worker with a database reads of a job's input."""
    return read_job("job", given, admission=DEFAULT_ADMISSION, has_cloud=True, max_bytes=10**7)
