"""A deployment whose files lie in S3: a bucket, a worker, and what the phone and `enqueue` do.

Firestore and Pub/Sub are the stack's, under a project of their own, which the stack's functions do
not hear of. The engine only plays; all else of the worker is `python -m gpu_worker pull`.
"""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore, pubsub_v1

from shared.paths import (
    IMAGE_SUBSCRIPTION,
    IMAGE_TOPIC,
    VIDEO_SUBSCRIPTION,
    VIDEO_TOPIC,
    GenerationPath,
)
from shared.usage import Limits
from tests.contract.s3_server import (
    CREDENTIALS,
    REGION,
    make_bucket,
    running_s3_server,
    worker_client,
)
from tools.stack import Stack
from tools.stack.messaging import end_streams
from tools.stack.names import REPOSITORY
from tools.stack.worker import Worker
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.pubsub import PubSubPublisher, unbatched_publisher_client
from trigger.enqueue import enqueue

#: Another each time: a stack may outlive a session of tests.
PROJECT = f"s3-store-{secrets.token_hex(4)}"
BUCKET = "pictures"
URL_SECONDS = 900
START_SECONDS = 90.0
PATIENCE_SECONDS = 60.0
LEAVE_SECONDS = 8.0
CALL_SECONDS = 10.0
ACK_DEADLINE_SECONDS = 10
QUEUES = {IMAGE_TOPIC: IMAGE_SUBSCRIPTION, VIDEO_TOPIC: VIDEO_SUBSCRIPTION}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One project and its bucket."""

    environment: Mapping[str, str]
    database: firestore.Client
    publisher: PubSubPublisher
    #: boto3's, past our adapters.
    s3: Any
    log: Path

    def generate(self, **request: Any) -> tuple[GenerationPath, dict[str, Any]]:
        """What the phone and `enqueue` do, and the document when it is over."""
        path = GenerationPath(uid="ada", generation_id=secrets.token_hex(8))
        created = {"input": request, "status": "pending"}
        document = self.database.document(str(path))
        document.create({**created, "created_at": firestore.SERVER_TIMESTAMP})
        data = document.get().to_dict()
        enqueue(
            str(path),
            data,
            documents=FirestoreDocuments(self.database),
            publisher=self.publisher,
            limits=Limits(concurrent=10, daily_credits=10_000),
        )
        return path, self._terminal(document)

    def _terminal(self, document: firestore.DocumentReference) -> dict[str, Any]:
        over = threading.Event()
        listening = threading.Event()

        def look(snapshot: firestore.DocumentSnapshot) -> None:
            if snapshot.get("status") in ("completed", "failed", "cancelled"):
                over.set()

        def on_change(documents: list[Any], _changes: object, _read_time: object) -> None:
            for snapshot in documents:
                look(snapshot)
            listening.set()

        watch = document.on_snapshot(on_change)
        try:
            # The emulator's listeners miss what is committed while they are being added.
            if listening.wait(PATIENCE_SECONDS):
                look(document.get())
            assert over.wait(PATIENCE_SECONDS), (document.get().to_dict(), self.log.read_text())
        finally:
            watch.unsubscribe()
        data: dict[str, Any] = document.get().to_dict()
        return data

    def names(self) -> set[str]:
        """Every object of the bucket."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {one["Key"] for one in listed}


@contextmanager
def running_deployment(stack: Stack, folder: Path) -> Iterator[Deployment]:
    """With its worker ready; it leaves on SIGTERM at the end. Logs lie in `folder`."""
    with running_s3_server() as address, pytest.MonkeyPatch.context() as patch:
        s3 = worker_client(address)
        make_bucket(s3, BUCKET)
        environment = {
            **stack.env(),
            **CREDENTIALS,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "EMBERFRAME_IMAGE_MODEL": "shapes",
            "EMBERFRAME_FILM_MODEL": "none",
            "EMBERFRAME_STORE": "s3",
            "EMBERFRAME_S3_BUCKET": BUCKET,
            "EMBERFRAME_S3_ENDPOINT": address,
            "EMBERFRAME_S3_REGION": REGION,
            "EMBERFRAME_S3_PATH_STYLE": "true",
            "EMBERFRAME_URL_SECONDS": str(URL_SECONDS),
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        database = firestore.Client(project=PROJECT)
        publisher = unbatched_publisher_client()
        _make_queues()
        log = folder / "worker.log"
        with _running_worker({**os.environ, **environment}, folder / "health.json", log):
            yield Deployment(
                environment=environment,
                database=database,
                publisher=PubSubPublisher(publisher, PROJECT),
                s3=s3,
                log=log,
            )
        end_streams(stack.pubsub, project=PROJECT)
        publisher.transport.close()
        database.close()


def _make_queues() -> None:
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    for topic, subscription in QUEUES.items():
        full = publisher.topic_path(PROJECT, topic)
        publisher.create_topic(name=full, timeout=CALL_SECONDS)
        subscriber.create_subscription(
            name=subscriber.subscription_path(PROJECT, subscription),
            topic=full,
            ack_deadline_seconds=ACK_DEADLINE_SECONDS,
            timeout=CALL_SECONDS,
        )
    publisher.transport.close()
    subscriber.close()


@contextmanager
def _running_worker(environment: dict[str, str], health: Path, log: Path) -> Iterator[Worker]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.light_worker", "pull"],
            cwd=REPOSITORY,
            env={**environment, "EMBERFRAME_HEALTH_FILE": str(health)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    worker = Worker(process, health, log)
    try:
        worker.wait_until_ready(deadline=time.monotonic() + START_SECONDS)
        yield worker
        process.terminate()
        assert process.wait(LEAVE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
