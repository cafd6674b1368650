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
from typing import Protocol

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.input_images import OwnImages
from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.adapters.storage import PUBLIC_HOST, FirebaseStorage
from gpu_worker.health import Health, HealthFile
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.loras import Loras
from gpu_worker.ports import Engine, EngineUnavailable
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


def run_pull(settings: Settings, loras: Loras) -> int:
    """Returns the process's exit code: 0 after a signal, 1 when the engine or the pull failed.

    `loras` are those that requests may name.
    """
    health = HealthFile(settings.health_file)
    health.write(Health.STARTING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    engine = make_engine(settings)
    engine.start()
    try:
        runner = GenerationRunner(wire(settings, engine, loras))
        with subscriber_client(settings.pubsub_emulator) as subscriber:
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


class Drainable(Protocol):
    """What `Service` needs of the runner."""

    @property
    def idle(self) -> bool:
        """True while no generation is in hand."""
        ...

    def drain(self) -> None:
        """Take nothing more, and stop what runs at its next step."""
        ...


class Intake(Protocol):
    """What `Service` needs of an intake."""

    def run(self) -> None:
        """Block until `stop`, or raise what makes taking messages impossible."""
        ...

    def stop(self) -> None:
        """Take no more; `run` returns when the jobs in hand are settled."""
        ...


class Service:
    """The running parts and the order in which they start and stop. Used once: `run`."""

    def __init__(
        self,
        engine: Engine,
        runner: Drainable,
        intake: Intake,
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
        self._engine.watch(self._on_loss)
        # On a thread of its own, so that a signal counts while the model is being loaded too.
        serving = threading.Thread(
            target=self._serve, args=(start_timeout,), name="serve", daemon=True
        )
        serving.start()
        try:
            self._stopping.wait()
        finally:
            self._stop(serving)
        if serving.is_alive():
            self._abandon()
        return self._code

    @property
    def _code(self) -> int:
        return 1 if self._failure else 0

    def _stop(self, serving: threading.Thread) -> None:
        # The stream first: what is handed back must not come in again through it.
        self._try(self._intake.stop)
        self._try(self._runner.drain)
        self._try(lambda: self._health.write(Health.DRAINING))
        if self._loaded:
            serving.join(self._step_seconds)
        # An engine that has not come to the end of its step hangs; without it the job comes back.
        self._try(self._engine.close)
        serving.join(self._release_seconds)

    def _try(self, step: Callable[[], None]) -> None:
        """A fault in one step of stopping must not keep the others from being taken."""
        try:
            step()
        except Exception as error:
            self._failure = error
            log.critical("a part could not be stopped", exc_info=error)

    def _abandon(self) -> None:
        """Python would wait for the threads that hang, and the container's host kills us anyway."""
        if self._runner.idle:
            # Every document is given back: only the client waits for an answer to its nacks.
            log.warning("Pub/Sub does not answer; it delivers again what it was not told of")
        else:
            self._failure = TimeoutError()
            log.critical("a job could not be given back in time; its lease will lapse")
        logging.shutdown()
        self._leave(self._code)

    def _on_loss(self, loss: EngineUnavailable) -> None:
        """As after a signal: a worker without a model takes work that others could do."""
        if self._stopping.is_set():
            return
        self._failure = loss
        log.critical("the engine is lost, and its model cannot be loaded again: %s", loss)
        self._stopping.set()

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
            if self._stopping.is_set():
                # Streams are being closed; how a service that is away puts that is no failure.
                log.warning("a stream did not end cleanly", exc_info=error)
                return
            self._failure = error
            log.critical("pulling failed", exc_info=error)
        finally:
            self._stopping.set()


def make_engine(settings: Settings) -> EngineProcess:
    return EngineProcess(
        settings.image_model,
        model_dir=settings.model_dir,
        film_model=settings.served_film_model,
        film_model_dir=settings.film_model_dir,
        precision=settings.precision,
        deterministic=settings.deterministic,
        json_log=True,
        bounds=settings.engine_bounds,
    )


def wire(settings: Settings, engine: EngineProcess, loras: Loras) -> Wiring:
    """The production wiring; emulators are used when their usual variables are set."""
    forget_empty_emulators()
    # None: each client finds the environment's own.
    credentials = AnonymousCredentials() if settings.emulated else None
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
        loras=loras,
        threads=ThreadPoolExecutor(FILE_THREADS, "files"),
        clock=SystemClock(),
        worker_id=f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}",
        max_images=settings.max_images,
        embed_metadata=settings.embed_metadata,
        films=settings.films,
        time_limits=settings.time_limits,
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.lease_seconds / 4,
    )


def forget_empty_emulators() -> None:
    """Firestore's client takes a variable that is set to nothing for an emulator's address."""
    for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        if os.environ.get(name) == "":
            del os.environ[name]
