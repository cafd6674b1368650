"""`python -m gpu_worker pull`: wires the adapters and runs the service until a signal."""

import os
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.input_images import DeploymentImages
from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.storage import PUBLIC_HOST, FirebaseStorage
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.departure import Departure
from gpu_worker.health import Health, HealthFile
from gpu_worker.health_server import HealthServer
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.loras import Loras
from gpu_worker.pulse import Pulse
from gpu_worker.service import Service
from gpu_worker.settings import Settings
from shared.clock import SystemClock

#: Compression and uploads of a few pictures at a time; they wait for the network, not for a core.
FILE_THREADS = 4


def run_pull(settings: Settings, loras: Loras) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine or the pull failed.

    `loras` are those that requests may name.
    """
    departure = Departure()
    departure.listen()
    # Left without returning: Python would wait for threads in calls that hang, an upload's say.
    return departure.leave(_run(settings, loras, departure.stopping))


def _run(settings: Settings, loras: Loras, stopping: threading.Event) -> int:
    pulse = Pulse()
    health = HealthFile(settings.health_file)
    health.write(Health.STARTING)
    engine = make_engine(settings)
    engine.start()
    try:
        with ExitStack() as parts:
            if settings.health_port is not None:
                parts.enter_context(HealthServer(health, settings.health_port))
            runner = GenerationRunner(wire(settings, engine, loras))
            subscriber = parts.enter_context(subscriber_client(settings.pubsub_emulator))
            names = (settings.image_subscription, settings.video_subscription)
            intake = PullIntake(
                subscriber,
                [subscriber.subscription_path(settings.project, name) for name in names],
                runner,
                slots=settings.slots,
                on_tick=pulse.beat,
            )
            service = Service(engine, runner, intake, health, stopping, pulse=pulse)
            return service.run(start_timeout=settings.engine_start_timeout)
    finally:
        engine.close()


def make_engine(settings: Settings) -> EngineProcess:
    return EngineProcess(
        settings.image_model,
        model_dir=settings.model_dir,
        film_model=settings.served_film_model,
        film_model_dir=settings.film_model_dir,
        check=settings.check,
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
    served = ServedAddresses(
        bucket=settings.bucket_name, download_host=host, hosts=settings.image_hosts
    )
    return Wiring(
        documents=documents,
        watcher=documents,
        objects=objects,
        inputs=DeploymentImages(objects, served, WebImages(served, SystemResolver())),
        engine=engine,
        loras=loras,
        threads=ThreadPoolExecutor(FILE_THREADS, "files"),
        clock=SystemClock(),
        worker_id=f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}",
        admission=settings.admission,
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
