"""A project of its own on the stack's emulators whose messages are pushed, and workers for it."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1, storage

from gpu_worker.intake.push_service import PUSH_PATH
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, GenerationPath
from tests.e2e.conftest import leaving
from tests.e2e.test_leaving import free_port
from tools.stack import Stack
from tools.stack.waiting import wait_until
from tools.stack.worker import Worker

#: A worker process with the real engine imports torch.
READY_SECONDS = 90.0
TIMEOUT_SECONDS = 60.0
#: The longest that Pub/Sub allows; so no redelivery in these tests comes from it.
ACK_DEADLINE_SECONDS = 600
REAL = ("gpu_worker", "push")
#: The same with an engine that only plays, where pictures do not matter.
LIGHT = ("tests.chaos.light_worker", "push")


class PushProject:
    """One topic, and a subscription that pushes its messages to `port` of this machine."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.name = f"push-{uuid4().hex[:12]}"
        self.port = free_port()
        self._workers = 0
        with pytest.MonkeyPatch.context() as patch:
            for name, value in stack.env().items():
                patch.setenv(name, value)
            credentials = AnonymousCredentials()
            self.database = firestore.Client(project=self.name, credentials=credentials)
            self._topics = pubsub_v1.PublisherClient()
            self._subscriber = pubsub_v1.SubscriberClient()
            objects = storage.Client(project=self.name, credentials=credentials)
            self.bucket = objects.bucket(f"{self.name}.firebasestorage.app")
        self._topic = self._topics.topic_path(self.name, IMAGE_TOPIC)
        self._topics.create_topic(name=self._topic)
        self._subscription = self._subscriber.subscription_path(self.name, "pushed")

    def subscribe(self, *, ack_deadline_seconds: int = ACK_DEADLINE_SECONDS, **more: Any) -> None:
        """From now on messages are pushed, whether there is anybody or not. A request ends at the
        ack deadline; `more` is of the push configuration."""
        config = {"push_endpoint": f"http://127.0.0.1:{self.port}{PUSH_PATH}", **more}
        self._subscriber.create_subscription(
            request={
                "name": self._subscription,
                "topic": self._topic,
                "push_config": config,
                "ack_deadline_seconds": ack_deadline_seconds,
                # No retry policy: with one the emulator (0.8.20) never delivers again what was not
                # acknowledged, once another message is. Without, it does so every second.
            }
        )

    def submit(self, **request: Any) -> GenerationPath:
        """A document as the function has accepted it, and its message."""
        path = GenerationPath(uid="ada", generation_id=uuid4().hex)
        self.database.document(str(path)).create(
            {
                "input": {"prompt": "a red circle on a blue background", **request},
                "status": "queued",
                "created_at": firestore.SERVER_TIMESTAMP,
                "queued_at": firestore.SERVER_TIMESTAMP,
            }
        )
        self.publish(GenerationMessage(path=path).to_bytes())
        return path

    def publish(self, data: bytes) -> None:
        self._topics.publish(self._topic, data).result(TIMEOUT_SECONDS)

    def data(self, path: GenerationPath) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.database.document(str(path)).get().to_dict() or {}
        return found

    def wait_for(
        self, path: GenerationPath, wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any]:
        """The document as it is when it is as `wanted`."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        assert wait_until(lambda: wanted(self.data(path)), deadline=deadline, check=lambda: None), (
            self.data(path)
        )
        return self.data(path)

    def ended(self, path: GenerationPath) -> Mapping[str, Any]:
        return self.wait_for(path, lambda it: it["status"] in ("completed", "failed", "cancelled"))

    @contextmanager
    def worker(
        self, settings: Mapping[str, str] | None = None, command: tuple[str, ...] = LIGHT
    ) -> Iterator[Worker]:
        """A worker process behind the port that is ready; `settings` are environment variables."""
        self._workers += 1
        environment = {
            **os.environ,
            **self._stack.env(),
            "GOOGLE_CLOUD_PROJECT": self.name,
            "EMBERFRAME_BUCKET": self.bucket.name,
            "EMBERFRAME_PUSH_UNVERIFIED": "true",
            "PORT": str(self.port),
            "OMP_NUM_THREADS": "1",
            **(settings or {}),
        }
        folder = self._folder / f"worker-{self._workers}"
        folder.mkdir()
        worker = Worker.start(
            environment, folder / "health.json", folder / "worker.log", command=command
        )
        with leaving(worker, ready_seconds=READY_SECONDS):
            yield worker

    def probe(self, name: str) -> int:
        address = f"http://127.0.0.1:{self.port}/{name}"
        return httpx.get(address, trust_env=False, timeout=TIMEOUT_SECONDS).status_code

    def close(self) -> None:
        """Deletes the subscription first: what is not acknowledged would be pushed for ever."""
        self._subscriber.delete_subscription(subscription=self._subscription)
        self._subscriber.close()
        self._topics.stop()
        self._topics.transport.close()
        self.database.close()
