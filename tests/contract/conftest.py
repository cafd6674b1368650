"""Clients of the emulators that the adapters under test are built on."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from tests.contract.gcs_server import running_gcs_server
from tools.stack import Stack
from trigger.adapters.pubsub import unbatched_publisher_client

BUCKET = "contract"


@pytest.fixture(scope="session")
def firestore_client(stack: Stack) -> Iterator[firestore.Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", stack.firestore)
        client = firestore.Client(project=stack.project)
    yield client
    client.close()


@pytest.fixture(scope="session")
def publisher_client(stack: Stack) -> Iterator[PublisherClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", stack.pubsub)
        client = unbatched_publisher_client()
    yield client
    client.transport.close()


@pytest.fixture(scope="session")
def subscriber_client(stack: Stack) -> Iterator[SubscriberClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", stack.pubsub)
        client = SubscriberClient()
    yield client
    client.close()


@pytest.fixture(scope="session")
def gcs_client() -> Iterator[storage.Client]:
    """A GCS server that honours preconditions, which Firebase's Storage emulator ignores."""
    with running_gcs_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        client = storage.Client(project="contract", credentials=AnonymousCredentials())
        client.create_bucket(BUCKET)
        patch.undo()
        yield client
        client.close()
