"""`python -m gpu_worker pull`: wires the adapters, waits for the engine, pulls until a signal.

SIGTERM or SIGINT: nothing more is taken, running work stops at its next step and is given back, and
the process leaves within the 10 s that Cloud Run grants.
"""

import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud import firestore, pubsub_v1, storage

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.input_images import OwnImages
from gpu_worker.adapters.storage import PUBLIC_HOST, FirebaseStorage
from gpu_worker.health import Health, HealthFile
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import Engine
from gpu_worker.settings import Settings
from shared.clock import SystemClock
from shared.errors import GenerationError

log = logging.getLogger(__name__)

#: A denoising step of the slowest model on the slowest GPU that we name; then the engine hangs.
STEP_SECONDS = 4.0
#: For the writes and acknowledgements that give a job back, after the engine is gone. With the
#: engine's own 2 s to end this leaves a reserve of the 8 s in which a worker has to leave.
RELEASE_SECONDS = 1.5
#: Compression and uploads of a few pictures at a time; they wait for the network, not for a core.
FILE_THREADS = 4


def run_pull(settings: Settings) -> int:
    """Returns the process's exit code: 0 after a signal, 1 when the engine or the pull failed."""
    health = HealthFile(settings.health_file)
    health.write(Health.STARTING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    engine = make_engine(settings)
    engine.start()
    try:
        runner = GenerationRunner(wire(settings, engine))
        with pubsub_v1.SubscriberClient() as subscriber:
            names = (settings.image_subscription, settings.video_subscription)
            intake = PullIntake(
                subscriber,
                [subscriber.subscription_path(settings.project, name) for name in names],
                runner,
                slots=settings.slots,
            )
            service = Service(engine, runner, intake, health, stopping)
            return service.run(start_timeout=settings.engine_start_timeout)
    finally:
        engine.close()


class Service:
    """The running parts and the order in which they start and stop. Used once: `run`."""

    def __init__(
        self,
        engine: Engine,
        runner: GenerationRunner,
        intake: PullIntake,
        health: HealthFile,
        stopping: threading.Event,
        *,
        step_seconds: float = STEP_SECONDS,
        release_seconds: float = RELEASE_SECONDS,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._intake = intake
        self._health = health
        self._stopping = stopping
        self._step_seconds = step_seconds
        self._release_seconds = release_seconds
        self._leave = leave
        self._loaded = False
        self._failure: BaseException | None = None

    def run(self, *, start_timeout: float) -> int:
        """Block until `stopping` is set or a part fails; returns the exit code."""
        # On a thread of its own, so that a signal counts while the model is being loaded too.
        serving = threading.Thread(
            target=self._serve, args=(start_timeout,), name="serve", daemon=True
        )
        serving.start()
        self._stopping.wait()
        # The stream first: what is handed back must not come in again through it.
        self._intake.stop()
        self._runner.drain()
        self._health.write(Health.DRAINING)
        if self._loaded:
            serving.join(self._step_seconds)
        # An engine that has not come to the end of its step hangs; without it the job comes back.
        self._engine.close()
        serving.join(self._release_seconds)
        if serving.is_alive():
            log.critical("a job could not be given back in time; its lease will lapse")
            logging.shutdown()
            # Python would wait for the job's thread, and the container's host kills us anyway.
            self._leave(1)
        return 1 if self._failure else 0

    def _serve(self, start_timeout: float) -> None:
        try:
            info = self._engine.wait_ready(start_timeout)
            self._loaded = True
            fields = {
                "device": info.device_name,
                "models": info.models,
                "precision": info.precision,
                "deterministic": info.deterministic,
            }
            log.info("ready", extra={"fields": fields})
            self._health.write(Health.READY, device=info.device_name, models=list(info.models))
            self._intake.run()
        except GenerationError as error:
            # Closing the engine under its loading is how a signal ends that.
            if not self._stopping.is_set():
                self._failure = error
                log.critical("the engine cannot start: %s", error.message)
        except BaseException as error:
            self._failure = error
            log.critical("pulling failed", exc_info=error)
        finally:
            self._stopping.set()


def make_engine(settings: Settings) -> EngineProcess:
    return EngineProcess(
        model=settings.image_model,
        model_dir=settings.model_dir,
        precision=settings.precision,
        deterministic=settings.deterministic,
    )


def wire(settings: Settings, engine: EngineProcess) -> Wiring:
    """The production wiring; emulators are used when their usual variables are set."""
    credentials = emulator_credentials()
    documents = FirestoreDocuments(
        firestore.Client(project=settings.project, credentials=credentials)
    )
    host = settings.storage_emulator or PUBLIC_HOST
    objects = FirebaseStorage(
        storage.Client(project=settings.project, credentials=credentials),
        settings.bucket_name,
        host=host,
    )
    return Wiring(
        documents=documents,
        watcher=documents,
        objects=objects,
        inputs=OwnImages(objects, settings.bucket_name, host=host),
        engine=engine,
        threads=ThreadPoolExecutor(FILE_THREADS, "files"),
        clock=SystemClock(),
        worker_id=f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}",
        max_images=settings.max_images,
        embed_metadata=settings.embed_metadata,
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.lease_seconds / 4,
    )


def emulator_credentials() -> Credentials | None:
    """Anonymous when the emulators are in use, else None: the environment's own."""
    return AnonymousCredentials() if os.environ.get("FIRESTORE_EMULATOR_HOST") else None
