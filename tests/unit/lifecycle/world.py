"""What lifecycle tests run in: one deployment with any number of workers, and a clock to turn."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gpu_worker.adapters.input_images import DeploymentImages
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.lifecycle.handled import Handled
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import Engine, EngineJob
from shared.claim import MAX_BACKOFF_SECONDS
from shared.clock import Clock
from shared.lease import HEARTBEAT_SECONDS, LEASE_SECONDS
from shared.paths import GenerationPath
from shared.ports import Conflict, DocumentStore, DocumentWatcher, ObjectStore
from tests.unit.lifecycle.stores import PATH, Documents, Objects

PROMPT = "a red circle that nobody may log"
INPUT = {"prompt": PROMPT, "seed": 7, "num_inference_steps": 4, "width": 64, "height": 64}
#: The same for a film.
WISH: dict[str, Any] = {
    "task_type": "text2video",
    "prompt": PROMPT,
    "seed": 7,
    "num_inference_steps": 2,
    "num_frames": 17,
    "fps": 10,
}
#: A document's first token is the moment of its first claim; here these are 1, 2, 3 and so on.
START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1)
BUCKET = "pictures"
HOST = "https://storage.example"
SERVED = ServedAddresses(bucket=BUCKET, download_host=HOST)


class ManualClock:
    """Both clocks stand still until `advance`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wall = START
        self._monotonic = 1000.0

    def now(self) -> datetime:
        with self._lock:
            return self._wall

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._monotonic += seconds
            self._wall += timedelta(seconds=seconds)


@dataclass
class Worker:
    """One worker process's runner with an engine of its own."""

    runner: GenerationRunner
    engine: InMemoryEngine
    pool: ThreadPoolExecutor

    def handle(self, path: GenerationPath = PATH) -> Handled:
        return self.runner.handle(path)

    def start(self, path: GenerationPath = PATH) -> "Future[Handled]":
        return self.pool.submit(self.runner.handle, path)

    def wait_held(self, token: int = 1, path: GenerationPath = PATH) -> None:
        self.engine.wait_held(job_id(token, path))

    def release(self, token: int = 1, path: GenerationPath = PATH) -> None:
        self.engine.release(job_id(token, path))


def job_id(token: int = 1, path: GenerationPath = PATH) -> str:
    return f"{path}/{token}"


def step_of(write: Mapping[str, Any]) -> int | None:
    """The denoising step that a write tells of, if it tells of any."""
    progress = write.get("progress")
    return progress["step"] if isinstance(progress, dict) else None


def plain(_: EngineJob) -> Script:
    return Script()


def held(_: EngineJob) -> Script:
    """Stops before step 2 until released."""
    return Script(hold_at=2)


def crashing(_: EngineJob) -> Script:
    return Script(fail_at=1)


@dataclass
class World:
    """One deployment: shared documents and objects, any number of workers."""

    pool: ThreadPoolExecutor
    files: Executor
    clock: ManualClock = field(default_factory=ManualClock)
    documents: Documents = field(init=False)
    objects: Objects = field(default_factory=Objects)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.documents = Documents(self.clock)

    def submit(self, path: GenerationPath = PATH, *, status: str = "queued", **fields: Any) -> None:
        data = {"input": INPUT, "status": status, "created_at": START, **fields}
        self.documents.create(str(path), data)

    def worker(
        self,
        script: Callable[[EngineJob], Script] = plain,
        *,
        name: str = "worker-a",
        watcher: DocumentWatcher | None = None,
        documents: DocumentStore | None = None,
        objects: ObjectStore | None = None,
        engine: Engine | None = None,
        clock: Clock | None = None,
        lease_seconds: float = LEASE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        **settings: Any,
    ) -> Worker:
        scripted = InMemoryEngine(script)
        runner = GenerationRunner(
            Wiring(
                documents=documents or self.documents,
                watcher=watcher or self.documents,
                objects=objects or self.objects,
                engine=engine or scripted,
                inputs=DeploymentImages(
                    objects or self.objects, SERVED, WebImages(SERVED, SystemResolver())
                ),
                threads=self.files,
                clock=clock or self.clock,
                worker_id=name,
                lease_seconds=lease_seconds,
                heartbeat_seconds=heartbeat_seconds,
                # The clock stands still.
                first_write_seconds=0.0,
                **settings,
            )
        )
        worker = Worker(runner, scripted, self.pool)
        self.workers.append(worker)
        return worker

    def backoff_over(self) -> None:
        """The time has passed that a failed attempt keeps others from trying again."""
        self.clock.advance(MAX_BACKOFF_SECONDS)

    def hold_one(self) -> tuple[Worker, "Future[Handled]"]:
        """A worker in the middle of the generation at PATH, and what its `handle` will return."""
        self.submit()
        worker = self.worker(held)
        handling = worker.start()
        worker.wait_held()
        return worker, handling

    @staticmethod
    def conflict() -> Conflict:
        """What an adapter's own retry answers after the reply to its first try was lost."""
        return Conflict("it has another version")

    def close(self) -> None:
        for worker in self.workers:
            worker.engine.close()
        # A test without a worker writes what it likes.
        assert self.documents.faults == [] or not self.workers
