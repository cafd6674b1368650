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
from concurrent.futures import ThreadPoolExecutor

from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud import firestore, pubsub_v1, storage

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.storage import PUBLIC_HOST, FirebaseStorage
from gpu_worker.health import Health, HealthFile
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.settings import Settings
from shared.clock import SystemClock
from shared.errors import GenerationError

log = logging.getLogger(__name__)

#: Compression and uploads of a few pictures at a time; they wait for the network, not for a core.
FILE_THREADS = 4


def run_pull(settings: Settings) -> int:
    """Returns the process's exit code: 0 after a signal, 1 when the engine or the pull failed."""
    health = HealthFile(settings.health_file)
    health.write(Health.STARTING)
    engine = EngineProcess(settings.image_model, model_dir=settings.model_dir)
    engine.start()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        return _serve(settings, engine, health, stopping)
    except GenerationError as error:
        log.critical("the engine cannot start: %s", error.message)
        return 1
    finally:
        engine.close()


def _serve(
    settings: Settings, engine: EngineProcess, health: HealthFile, stopping: threading.Event
) -> int:
    runner = GenerationRunner(wire(settings, engine))
    subscriber = pubsub_v1.SubscriberClient()
    names = (settings.image_subscription, settings.video_subscription)
    intake = PullIntake(
        subscriber,
        [subscriber.subscription_path(settings.project, name) for name in names],
        runner,
        slots=settings.slots,
    )
    info = engine.wait_ready(settings.engine_start_timeout)
    log.info("ready", extra={"fields": {"device": info.device_name, "models": info.models}})
    failure: list[BaseException] = []

    def pull() -> None:
        try:
            intake.run()
        except BaseException as error:  # noqa: BLE001 (handed to the main thread)
            failure.append(error)
        finally:
            stopping.set()

    pulling = threading.Thread(target=pull, name="intake")
    pulling.start()
    health.write(Health.READY, device=info.device_name, models=list(info.models))
    stopping.wait()
    health.write(Health.DRAINING)
    runner.drain()
    intake.stop()
    pulling.join()
    subscriber.close()
    if failure:
        log.critical("pulling failed", exc_info=failure[0])
    return 1 if failure else 0


def wire(settings: Settings, engine: EngineProcess) -> Wiring:
    """The production wiring; emulators are used when their usual variables are set."""
    credentials = emulator_credentials()
    documents = FirestoreDocuments(
        firestore.Client(project=settings.project, credentials=credentials)
    )
    return Wiring(
        documents=documents,
        watcher=documents,
        objects=FirebaseStorage(
            storage.Client(project=settings.project, credentials=credentials),
            settings.bucket_name,
            host=settings.storage_emulator or PUBLIC_HOST,
        ),
        engine=engine,
        threads=ThreadPoolExecutor(FILE_THREADS, "files"),
        clock=SystemClock(),
        worker_id=f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}",
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.lease_seconds / 4,
    )


def emulator_credentials() -> Credentials | None:
    """Anonymous when the emulators are in use, else None: the environment's own."""
    return AnonymousCredentials() if os.environ.get("FIRESTORE_EMULATOR_HOST") else None
