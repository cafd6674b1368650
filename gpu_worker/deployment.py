"""A worker's production parts, made of its settings; emulators where their variables are set."""

import os
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.adapters.firestore import FirestoreDocuments
from gpu_worker.adapters.input_images import DeploymentImages
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.loras import Loras
from gpu_worker.ports import Engine
from gpu_worker.settings import Settings, WorkerSettings
from gpu_worker.store_settings import StoreSettings
from gpu_worker.stores import open_store
from shared.clock import SystemClock
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects

#: Compression and uploads of a few pictures at a time; they wait for the network, not for a core.
FILE_THREADS = 4


def make_engine(settings: WorkerSettings) -> EngineProcess:
    return EngineProcess(
        settings.served_image_model,
        model_dir=settings.model_dir,
        film_model=settings.served_film_model,
        film_model_dir=settings.film_model_dir,
        check=settings.check,
        start=settings.start,
        compiled=settings.compiled,
        precision=settings.precision,
        deterministic=settings.deterministic,
        batch_rows=settings.engine_batch_rows,
        speed=settings.speed,
        json_log=True,
        bounds=settings.engine_bounds,
    )


def wire(settings: Settings, engine: Engine, loras: Loras) -> Wiring:
    """The production wiring; emulators are used when their usual variables are set."""
    forget_empty_emulators()
    # None: each client finds the environment's own.
    credentials = AnonymousCredentials() if settings.emulated else None
    documents = FirestoreDocuments(
        firestore.Client(project=settings.project, credentials=credentials)
    )
    store = open_store(settings, StoreSettings())
    return replace(
        wire_alone(settings, engine, loras),
        documents=documents,
        watcher=documents,
        objects=store.objects,
        inputs=DeploymentImages(
            store.objects, store.served, WebImages(store.served, SystemResolver())
        ),
    )


def wire_alone(settings: WorkerSettings, engine: Engine, loras: Loras) -> Wiring:
    """A wiring that needs nothing but the engine: its stores are in memory, and its input images
    are data URLs and files of the hosts that are allowed."""
    documents, objects = InMemoryDocuments(), InMemoryObjects()
    served = ServedAddresses(hosts=settings.image_hosts)
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
