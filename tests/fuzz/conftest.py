"""A project of the stack's emulators where no function listens, so that ours is the only one."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient

from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from tests.databases import database_of
from tests.fuzz.arrival import Database
from tests.rules.firestore_rest import Firestore
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.pubsub import PubSubPublisher

REQUEST_TIMEOUT_SECONDS = 20


@pytest.fixture(scope="module")
def fuzz_client(stack: Stack) -> Iterator[firestore.Client]:
    with database_of(stack, f"demo-fuzz-{uuid4().hex[:8]}") as client:
        yield client


@pytest.fixture(scope="module")
def database(
    stack: Stack, fuzz_client: firestore.Client, publisher_client: PublisherClient
) -> Iterator[Database]:
    for topic in (IMAGE_TOPIC, VIDEO_TOPIC):
        publisher_client.create_topic(name=f"projects/{fuzz_client.project}/topics/{topic}")
    with httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS) as http:
        yield Database(
            rest=Firestore(http, stack.firestore, fuzz_client.project, None),
            store=FirestoreDocuments(fuzz_client),
            publisher=PubSubPublisher(publisher_client, fuzz_client.project),
        )
