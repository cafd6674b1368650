"""One Google Cloud project on the emulators: scenarios have one each, so that they cannot meet.

Documents are created as a phone does and accepted by the function's own use case, called here in
place of the function host; queues and objects are looked at as an administrator may.
"""

import hashlib
import secrets
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

import httpx
from google.api_core.exceptions import Aborted
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1, storage

from shared.charge import MAX_CREDITS
from shared.message import GenerationMessage
from shared.paths import (
    IMAGE_SUBSCRIPTION,
    IMAGE_TOPIC,
    VIDEO_SUBSCRIPTION,
    VIDEO_TOPIC,
    GenerationPath,
)
from shared.usage import MAX_CONCURRENT, Limits
from tests.chaos.emulators import Cloud
from tests.chaos.evidence import StoredFile
from tools.stack.messaging import end_streams
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.pubsub import PubSubPublisher, unbatched_publisher_client
from trigger.enqueue import enqueue

#: The shortest that Pub/Sub allows, so that what a dead worker held comes back soon.
ACK_DEADLINE_SECONDS = 10
#: Redelivery after a nack: soon, but not in a tight loop.
RETRY_POLICY = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 10}}
CALL_SECONDS = 30.0
LOCKED = Retry(predicate=if_exception_type(Aborted), timeout=CALL_SECONDS)
#: Nothing is refused here: the one person of a project asks for all its pictures at once.
LIMITS = Limits(concurrent=MAX_CONCURRENT, daily_credits=MAX_CREDITS)
QUEUES = {IMAGE_TOPIC: IMAGE_SUBSCRIPTION, VIDEO_TOPIC: VIDEO_SUBSCRIPTION}


class Project:
    """`name` must look like a project's id; `uid` is the one person who asks for pictures."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.cloud = cloud
        self.name = name
        self.uid = "ada"
        with cloud.around():
            self._connect()
        self.make_queues()

    def _connect(self) -> None:
        credentials = AnonymousCredentials()
        self.database = firestore.Client(project=self.name, credentials=credentials)
        self.documents = FirestoreDocuments(self.database)
        self.publisher = PubSubPublisher(unbatched_publisher_client(), self.name)
        self._topics = pubsub_v1.PublisherClient()
        self._subscriber = pubsub_v1.SubscriberClient()
        self.objects = storage.Client(project=self.name, credentials=credentials)
        self.bucket = self.objects.create_bucket(f"{self.name}.firebasestorage.app")

    def make_queues(self) -> None:
        """Topics and subscriptions, empty; again after Pub/Sub was restarted."""
        for topic, subscription in QUEUES.items():
            name = f"projects/{self.name}/topics/{topic}"
            self._topics.create_topic(name=name, timeout=CALL_SECONDS)
            self._subscriber.create_subscription(
                request={
                    "name": self._full(subscription),
                    "topic": name,
                    "ack_deadline_seconds": ACK_DEADLINE_SECONDS,
                    "retry_policy": RETRY_POLICY,
                },
                timeout=CALL_SECONDS,
            )

    def env(self) -> dict[str, str]:
        """What a worker needs to serve this project."""
        return {
            **self.cloud.env(),
            "GOOGLE_CLOUD_PROJECT": self.name,
            "EMBERFRAME_BUCKET": self.bucket.name,
            "EMBERFRAME_IMAGE_MODEL": "shapes",
            "EMBERFRAME_FILM_MODEL": "none",
            "NO_GCE_CHECK": "true",
            "METADATA_SERVER_DETECTION": "none",
        }

    def new_path(self) -> GenerationPath:
        return GenerationPath(uid=self.uid, generation_id=secrets.token_hex(8))

    def create(self, path: GenerationPath, request: dict[str, Any]) -> None:
        """What the phone does."""
        self.database.document(str(path)).create(
            {"input": request, "status": "pending", "created_at": firestore.SERVER_TIMESTAMP}
        )

    def accept(self, path: GenerationPath) -> None:
        """What the function does on that."""
        snapshot = self.documents.read(str(path))
        if snapshot is not None:
            enqueue(
                str(path),
                snapshot.data,
                documents=self.documents,
                publisher=self.publisher,
                limits=LIMITS,
            )

    def submit(self, **request: Any) -> GenerationPath:
        path = self.new_path()
        self.create(path, request)
        self.accept(path)
        return path

    def publish(self, paths: Iterable[GenerationPath]) -> None:
        """Messages beside the function's own, many at once."""
        topic = f"projects/{self.name}/topics/{IMAGE_TOPIC}"
        sent = [self._topics.publish(topic, GenerationMessage(path=it).to_bytes()) for it in paths]
        for each in sent:
            each.result(CALL_SECONDS)

    def cancel(self, path: GenerationPath) -> None:
        """As a phone's SDK: tried again while the document's lock is held by others."""
        document = self.database.document(str(path))
        document.update({"cancel_requested": True}, retry=LOCKED, timeout=CALL_SECONDS)

    def end_streams(self) -> None:
        end_streams(self.cloud.pubsub.address, project=self.name)

    def messages_left(self) -> int:
        """How many messages come within an ack deadline when nobody else pulls."""
        left = 0
        for subscription in QUEUES.values():
            answer = httpx.post(
                f"http://{self.cloud.pubsub.address}/v1/{self._full(subscription)}:pull",
                json={"maxMessages": 100, "returnImmediately": True},
                timeout=CALL_SECONDS,
                trust_env=False,
            ).raise_for_status()
            left += len(answer.json().get("receivedMessages", []))
        return left

    def files(self) -> list[StoredFile]:
        """Every object, read and compared with the checksum that its upload left."""
        return [_stored_file(blob) for blob in self.bucket.list_blobs()]

    def close(self) -> None:
        self._subscriber.close()
        self._topics.transport.close()
        self.database.close()

    def _full(self, subscription: str) -> str:
        return f"projects/{self.name}/subscriptions/{subscription}"


def _stored_file(blob: Any) -> StoredFile:
    content = blob.download_as_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    whole = md5 == b64decode(blob.md5_hash) and len(content) == blob.size
    return StoredFile(name=blob.name, content=content, whole=whole)
