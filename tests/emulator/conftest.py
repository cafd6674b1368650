"""A phone and a worker's ear on the stack: what stands before and behind the function."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Queue
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from gpu_worker.adapters.pubsub import subscriber_client as worker_client
from shared.message import GenerationMessage
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from tests.emulator.lanes import Lane
from tests.rules.firestore_rest import Firestore
from tests.rules.people import Person
from tools.stack import Stack
from trigger.adapters.pubsub import PubSubPublisher

REQUEST_TIMEOUT_SECONDS = 20
#: The function's first event starts a Python process.
CHANGE_TIMEOUT_SECONDS = 30


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as client:
        yield client


@dataclass(frozen=True)
class Phone:
    """Somebody signed in through the Auth emulator; what they write goes through the rules."""

    uid: str
    firestore: Firestore

    def path(self, generation_id: str | None = None) -> str:
        return f"users/{self.uid}/generations/{generation_id or uuid4().hex}"


@dataclass(frozen=True)
class _SignedIn(Person):
    uid: str
    token: str

    def headers(self, project: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def phone(stack: Stack, http: httpx.Client, firestore_client: firestore.Client) -> Iterator[Phone]:
    signed_up = http.post(
        f"http://{stack.auth}/identitytoolkit.googleapis.com/v1/accounts:signUp",
        params={"key": "any"},
        json={"returnSecureToken": True},
    ).raise_for_status()
    account = signed_up.json()
    person = _SignedIn(uid=account["localId"], token=account["idToken"])
    client = Firestore(http, stack.firestore, stack.project, person)
    yield Phone(uid=person.uid, firestore=client)
    # A worker that a later test starts on this stack finds nothing left to do.
    for document in firestore_client.collection(f"users/{person.uid}/generations").list_documents():
        document.delete()


class Ear:
    """Hears everything published to one topic since it was made."""

    def __init__(
        self, subscriber: SubscriberClient, publisher: PubSubPublisher, topic: str
    ) -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._topic = topic
        self._subscription = f"projects/{publisher.project}/subscriptions/ear-{uuid4().hex}"
        name = f"projects/{publisher.project}/topics/{topic}"
        subscriber.create_subscription(name=self._subscription, topic=name)

    def hear(self, path: str) -> list[str]:
        """The paths of all messages up to and including the first for `path`; waits for it."""
        heard: list[str] = []
        while path not in heard:
            received = self._subscriber.pull(
                subscription=self._subscription, max_messages=100, timeout=CHANGE_TIMEOUT_SECONDS
            ).received_messages
            self._subscriber.acknowledge(
                subscription=self._subscription, ack_ids=[one.ack_id for one in received]
            )
            heard += [str(GenerationMessage.from_bytes(one.message.data).path) for one in received]
        return heard

    def heard_by_now(self) -> list[str]:
        """The paths of all messages published so far and not heard yet."""
        end = GenerationPath(uid="nobody", generation_id=uuid4().hex)
        self._publisher.publish(self._topic, GenerationMessage(path=end).to_bytes())
        return [path for path in self.hear(str(end)) if path != str(end)]

    def close(self) -> None:
        self._subscriber.delete_subscription(subscription=self._subscription)


@pytest.fixture(scope="session")
def publisher(stack: Stack, publisher_client: PublisherClient) -> PubSubPublisher:
    return PubSubPublisher(publisher_client, stack.project)


@pytest.fixture
def image_ear(subscriber_client: SubscriberClient, publisher: PubSubPublisher) -> Iterator[Ear]:
    ear = Ear(subscriber_client, publisher, IMAGE_TOPIC)
    yield ear
    ear.close()


@pytest.fixture
def video_ear(subscriber_client: SubscriberClient, publisher: PubSubPublisher) -> Iterator[Ear]:
    ear = Ear(subscriber_client, publisher, VIDEO_TOPIC)
    yield ear
    ear.close()


Await = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def document_once(stack: Stack, firestore_client: firestore.Client) -> Await:
    """Waits, as a listener, until the document at a path has a status; returns it then."""

    def log_tail() -> str:
        return "".join(stack.log_files["firebase"].read_text().splitlines(keepends=True)[-20:])

    def wait(path: str, status: str) -> dict[str, Any]:
        seen: Queue[dict[str, Any]] = Queue()
        listening, reached = threading.Event(), threading.Event()

        def see(document: firestore.DocumentSnapshot) -> None:
            fields = document.to_dict() or {}
            seen.put(fields)
            if fields.get("status") == status:
                reached.set()

        def on_change(documents: list[Any], _changes: object, _read_time: object) -> None:
            for document in documents:
                see(document)
            listening.set()

        watch = firestore_client.document(path).on_snapshot(on_change)
        try:
            # The emulator's listeners miss what is committed while they are being added, so one
            # look after that belongs to listening (docs/architecture/04, Traps).
            if listening.wait(CHANGE_TIMEOUT_SECONDS):
                see(firestore_client.document(path).get())
            there = reached.wait(CHANGE_TIMEOUT_SECONDS)
        finally:
            watch.unsubscribe()
        statuses = [fields.get("status") for fields in seen.queue]
        assert there, f"{path} was {statuses}, never {status!r}; the function:\n{log_tail()}"
        return next(fields for fields in seen.queue if fields.get("status") == status)

    return wait


@pytest.fixture
def lane(stack: Stack) -> Iterator[Lane]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", stack.pubsub)
        publisher, subscriber = PublisherClient(), worker_client(stack.pubsub)
    name = f"intake-{uuid4().hex}"
    topic = publisher.topic_path(stack.project, name)
    publisher.create_topic(name=topic)
    yield Lane(publisher, subscriber, topic, subscriber.subscription_path(stack.project, name))
    publisher.stop()
    publisher.transport.close()
    subscriber.close()
