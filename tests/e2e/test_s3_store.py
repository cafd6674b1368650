"""A deployment whose files lie in S3: the real worker and functions, and a server of it.

Firestore and Pub/Sub are the stack's, under a project of their own, which the stack's functions do
not hear of: what they do is done here, by the bundle of the functions or by their use cases. The
engine only plays; all else of the worker is `python -m gpu_worker pull`.
"""

import hashlib
import io
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud import firestore, pubsub_v1
from PIL import Image

from shared.clock import SystemClock
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
from tests.contract.signatures import s3_judge
from tests.emulator.function_host import deliver
from tools.stack import Stack
from tools.stack.messaging import end_streams
from tools.stack.names import REPOSITORY
from tools.stack.worker import Worker
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.pubsub import PubSubPublisher, unbatched_publisher_client
from trigger.collect import collect
from trigger.enqueue import enqueue
from trigger.wiring import files_of

pytestmark = pytest.mark.stack

PROJECT = "s3-store"
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


@pytest.fixture(scope="module")
def deployment(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("s3")
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


def test_a_generation_s_addresses_bring_its_files_for_the_time_that_was_set(
    deployment: Deployment,
) -> None:
    path, document = deployment.generate(prompt="a red circle", num_images=2, width=128, height=128)
    assert document["status"] == "completed", document
    files = document["output"]["files"]
    assert len(files) == 2
    assert document["output"]["images"] == [file["url"] for file in files]
    judge, now = s3_judge(), datetime.now(UTC)
    for file in files:
        assert file["storage_path"].startswith(f"{path}/{document['lease']['token']}/")
        answer = httpx.get(file["url"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == file["content_type"] == "image/png"
        assert len(answer.content) == file["size_bytes"]
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (file["width"], file["height"])
        stored = deployment.s3.get_object(Bucket=BUCKET, Key=file["storage_path"])
        assert hashlib.sha256(stored["Body"].read()).digest() == (
            hashlib.sha256(answer.content).digest()
        )
        with Image.open(io.BytesIO(httpx.get(file["thumbnail_url"]).content)) as thumbnail:
            assert max(thumbnail.size) <= 256
        for url in (file["url"], file["thumbnail_url"]):
            assert judge.admits(url, now)
            assert not judge.admits(url, now + timedelta(seconds=URL_SECONDS + 60))
            assert httpx.get(url.partition("?")[0]).status_code == 403
    log = deployment.log.read_text()
    assert "X-Amz-" not in log
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in log


def test_an_image_in_the_bucket_becomes_another_one(deployment: Deployment) -> None:
    """By its name, as an app's own back end has put it there, and by a result's address."""
    file = io.BytesIO()
    Image.new("RGB", (128, 128), "green").save(file, "PNG")
    photo = "users/ada/inputs/photo.png"
    deployment.s3.put_object(Bucket=BUCKET, Key=photo, Body=file.getvalue())
    asked = {"prompt": "x", "task_type": "img2img"}
    _, first = deployment.generate(**asked, image_url=f"s3://{BUCKET}/{photo}")
    assert first["status"] == "completed", first["error"]
    _, second = deployment.generate(**asked, image_url=first["output"]["image_url"])
    assert second["status"] == "completed", second["error"]
    _, stranger = deployment.generate(**asked, image_url=f"s3://{BUCKET}/users/eve/a.png")
    assert stranger["error"]["code"] == "invalid_input"
    assert f"s3://{BUCKET}/users/{{your uid}}/" in stranger["error"]["message"]


def test_a_deleted_document_takes_its_files_along_and_what_nobody_refers_to_is_collected(
    deployment: Deployment, tmp_path: Path
) -> None:
    path, document = deployment.generate(prompt="a", width=128, height=128)
    kept, _ = deployment.generate(prompt="b", width=128, height=128)
    orphan = GenerationPath(uid="ada", generation_id=secrets.token_hex(8)).object_name(1, "0.png")
    photo = "users/ada/inputs/a photo.png"
    for name in (orphan, photo):
        deployment.s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    before = deployment.names()
    own = {name for name in before if name.startswith(path.object_prefix)}
    assert len(own) >= 2  # the picture and its thumbnail
    deployment.database.document(str(path)).delete()
    statuses, lines = deliver(
        tmp_path / "trigger",
        deployment.environment,
        [(str(path), document)],
        function="cleanup",
        kind="deleted",
    )
    assert statuses == [200], lines
    assert [line["removed"] for line in lines if "removed" in line] == [len(own)]
    assert deployment.names() == before - own

    collected = collect(
        documents=FirestoreDocuments(deployment.database),
        search=FirestoreSearch(deployment.database),
        # As `trigger.wiring` makes it for the functions.
        files=files_of(deployment.environment, PROJECT),
        clock=SystemClock(),
        grace_seconds=0.0,
    )
    assert (collected.removed, collected.finished) == (1, True)
    assert deployment.names() == before - own - {orphan}
    assert {name for name in deployment.names() if name.startswith(kept.object_prefix)}
