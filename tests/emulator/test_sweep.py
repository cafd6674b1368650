"""The sweep on the real emulators: what was lost comes home, whoever else is at it meanwhile.

In a project of its own, so that neither the stack's functions nor other tests see its documents.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from shared.claim import MAX_ATTEMPTS
from shared.clock import SystemClock
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from tests.contract.gcs_server import running_gcs_server
from tests.databases import database_of
from tests.emulator.conftest import Await, Ear, Phone
from tests.rules.firestore_rest import REQUEST_TIME
from tools.stack import Stack
from tools.stack.schedule import SWEEP, scheduled_url
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.pubsub import PubSubPublisher
from trigger.adapters.storage import StorageListing
from trigger.collect import collect
from trigger.sweep import Swept, sweep

pytestmark = pytest.mark.stack

#: The function's process starts with its first call.
CALL_TIMEOUT_SECONDS = 60
BUCKET = "pictures"
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)

PENDING: dict[str, Any] = {
    "input": {"prompt": "a red circle"},
    "status": "pending",
    "created_at": LONG_AGO,
}
QUEUED = {**PENDING, "status": "queued", "queued_at": LONG_AGO, "sweep_after": LONG_AGO}
LEASE = {"token": 7, "worker_id": "dead", "expires_at": LONG_AGO}
LAPSED = {**PENDING, "status": "processing", "attempt": 1, "lease": LEASE}


@dataclass(frozen=True)
class Deployment:
    """A project with Firestore and Pub/Sub of its own."""

    client: firestore.Client
    publisher: PubSubPublisher
    topics: PublisherClient
    subscriber: SubscriberClient

    def sweep(self) -> Swept:
        return sweep(
            documents=FirestoreDocuments(self.client),
            search=FirestoreSearch(self.client),
            publisher=self.publisher,
            clock=SystemClock(),
        )

    def put(self, name: str, fields: dict[str, Any]) -> GenerationPath:
        path = GenerationPath(uid="ann", generation_id=name)
        self.client.document(str(path)).create(fields)
        return path

    def read(self, path: GenerationPath) -> dict[str, Any]:
        document: dict[str, Any] = self.client.document(str(path)).get().to_dict()
        return document

    def create_topics(self) -> None:
        for topic in (IMAGE_TOPIC, VIDEO_TOPIC):
            self.topics.create_topic(name=f"projects/{self.publisher.project}/topics/{topic}")

    def lose_topics(self) -> None:
        for topic in (IMAGE_TOPIC, VIDEO_TOPIC):
            self.topics.delete_topic(topic=f"projects/{self.publisher.project}/topics/{topic}")

    def ear(self) -> Ear:
        return Ear(self.subscriber, self.publisher, IMAGE_TOPIC)


@pytest.fixture
def deployment(
    stack: Stack, publisher_client: PublisherClient, subscriber_client: SubscriberClient
) -> Iterator[Deployment]:
    project = f"demo-sweep-{uuid4().hex[:8]}"
    publisher = PubSubPublisher(publisher_client, project)
    with database_of(stack, project) as client:
        deployment = Deployment(client, publisher, publisher_client, subscriber_client)
        deployment.create_topics()
        yield deployment


def test_a_lost_event_a_lost_message_and_a_lost_worker_are_made_good_in_one_run(
    deployment: Deployment,
) -> None:
    ear = deployment.ear()
    paths = [
        deployment.put(name, fields)
        for name, fields in (("event", PENDING), ("message", QUEUED), ("worker", LAPSED))
    ]
    exhausted = deployment.put("exhausted", {**LAPSED, "attempt": MAX_ATTEMPTS})
    unwanted = deployment.put("unwanted", {**QUEUED, "cancel_requested": True})
    swept = deployment.sweep()
    assert swept.faults == []
    assert sorted(ear.heard_by_now()) == sorted(map(str, paths))
    assert [deployment.read(path)["status"] for path in paths] == ["queued"] * 3
    assert deployment.read(paths[2])["error"]["code"] == "worker_lost"
    assert deployment.read(exhausted)["error"]["code"] == "attempts_exhausted"
    assert deployment.read(unwanted)["status"] == "cancelled"
    assert deployment.sweep() == Swept()
    assert ear.heard_by_now() == []
    ear.close()


def test_two_sweeps_at_once_bring_everything_home_and_write_each_document_once(
    deployment: Deployment,
) -> None:
    ear = deployment.ear()
    paths = [deployment.put(f"g{n}", LAPSED) for n in range(20)]
    start = threading.Barrier(2)

    def run() -> Swept:
        start.wait()
        return deployment.sweep()

    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(run) for _ in range(2)]
    both = [run.result() for run in runs]
    assert [swept.faults for swept in both] == [[], []]
    assert sum(swept.counts["rescued"] for swept in both) == len(paths)
    heard = ear.heard_by_now()
    assert set(heard) == set(map(str, paths))
    assert max(heard.count(str(path)) for path in paths) <= 2
    for path in paths:
        document = deployment.read(path)
        assert (document["status"], document["attempt"]) == ("queued", 1)
    ear.close()


def test_a_sweep_that_races_with_claims_takes_nothing_from_a_worker_and_loses_nothing(
    deployment: Deployment,
) -> None:
    ear = deployment.ear()
    paths = [deployment.put(f"g{n}", LAPSED if n % 2 else QUEUED) for n in range(10)]
    start = threading.Barrier(2)
    claimed: list[LeasedDocument] = []

    def work() -> None:
        documents = FirestoreDocuments(deployment.client)
        start.wait()
        for path in reversed(paths):
            taken = take(
                documents,
                SystemClock(),
                path,
                worker_id="quick",
                on_cancel_requested=lambda: None,
            )
            assert isinstance(taken, LeasedDocument)
            claimed.append(taken)

    worker = threading.Thread(target=work)
    worker.start()
    start.wait()
    swept = deployment.sweep()
    worker.join(timeout=60)
    assert swept.faults == []
    assert len(claimed) == len(paths)
    # Whoever came first: each is the worker's in the end, and it can still write.
    for leased in claimed:
        document = deployment.read(leased.path)
        assert (document["status"], document["lease"]["worker_id"]) == ("processing", "quick")
        assert document["lease"]["token"] == leased.lease.token
        leased.renew()
    assert len(ear.heard_by_now()) == swept.counts["republished"] + swept.counts["rescued"]
    ear.close()


def test_after_pubsub_lost_everything_every_job_is_published_again(deployment: Deployment) -> None:
    paths = [deployment.put(f"g{n}", QUEUED) for n in range(30)]
    for path in paths:
        deployment.publisher.publish(IMAGE_TOPIC, GenerationMessage(path=path).to_bytes())
    deployment.lose_topics()
    away = deployment.sweep()
    assert (away.counts, len(away.faults)) == ({}, len(paths))
    deployment.create_topics()
    ear = deployment.ear()
    assert deployment.sweep().counts == {"republished": len(paths)}
    assert sorted(ear.heard_by_now()) == sorted(map(str, paths))
    ear.close()


def test_a_message_set_aside_as_a_dead_letter_is_not_the_end_of_its_document(
    deployment: Deployment,
) -> None:
    project, subscriber = deployment.publisher.project, deployment.subscriber
    dead, name = (f"projects/{project}/subscriptions/{it}" for it in ("dead-letters", "worker"))
    dead_topic = f"projects/{project}/topics/dead-letters"
    deployment.topics.create_topic(name=dead_topic)
    subscriber.create_subscription(name=dead, topic=dead_topic)
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    topic = f"projects/{project}/topics/{IMAGE_TOPIC}"
    subscriber.create_subscription(
        request={"name": name, "topic": topic, "dead_letter_policy": policy}
    )
    path = deployment.put("g1", QUEUED)
    message = GenerationMessage(path=path).to_bytes()
    deployment.publisher.publish(IMAGE_TOPIC, message)
    for delivery in range(1, 6):
        (received,) = subscriber.pull(subscription=name, max_messages=1).received_messages
        assert received.delivery_attempt == delivery
        subscriber.modify_ack_deadline(
            subscription=name, ack_ids=[received.ack_id], ack_deadline_seconds=0
        )
    # The emulator sets it aside when it would deliver it once more.
    assert not subscriber.pull(subscription=name, max_messages=1, timeout=2).received_messages
    (set_aside,) = subscriber.pull(subscription=dead, max_messages=1).received_messages
    assert set_aside.message.data == message

    deployment.sweep()
    (again,) = subscriber.pull(subscription=name, max_messages=1).received_messages
    assert (again.message.data, again.delivery_attempt) == (message, 1)
    subscriber.acknowledge(subscription=name, ack_ids=[again.ack_id])


def test_left_over_files_go_and_those_of_documents_and_young_ones_stay(
    deployment: Deployment,
) -> None:
    done = deployment.put("done", {"status": "completed", "lease": {"token": 7}, "output": {}})
    gone = GenerationPath(uid="ann", generation_id="gone")
    with running_gcs_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        client = storage.Client(project="p", credentials=AnonymousCredentials())
        bucket = client.create_bucket(BUCKET)
        kept = [done.object_name(7, "0.png"), done.object_name(7, "0.thumbnail.webp")]
        left = [done.object_name(6, "0.png"), gone.object_name(3, "0.png")]
        for name in (*kept, *left):
            bucket.blob(name).upload_from_string(b"x")

        def collected(grace_seconds: float) -> int:
            return collect(
                documents=FirestoreDocuments(deployment.client),
                search=FirestoreSearch(deployment.client),
                files=StorageListing(client, BUCKET),
                clock=SystemClock(),
                grace_seconds=grace_seconds,
                pass_seconds=0,
            ).removed

        assert collected(grace_seconds=600) == 0
        assert collected(grace_seconds=0) == len(left)
        assert sorted(blob.name for blob in client.list_blobs(BUCKET)) == sorted(kept)
        assert collected(grace_seconds=0) == 0
        client.close()


def test_the_deployed_function_publishes_a_document_whose_message_was_lost(
    stack: Stack,
    firestore_client: firestore.Client,
    phone: Phone,
    image_ear: Ear,
    document_once: Await,
) -> None:
    path = phone.path()
    created = {"input": {"prompt": "x"}, "status": "pending", "created_at": REQUEST_TIME}
    assert phone.firestore.create(path, created).is_success
    image_ear.hear(path)
    document_once(path, "queued")
    firestore_client.document(path).update({"sweep_after": LONG_AGO})
    url = scheduled_url(stack.emulators["functions"], SWEEP)
    answer = httpx.post(url, timeout=CALL_TIMEOUT_SECONDS)
    assert answer.is_success, answer.text
    assert image_ear.hear(path)[-1] == path
    state = firestore_client.document("sweeps/files").get().to_dict()
    assert state["next_page"] is None
