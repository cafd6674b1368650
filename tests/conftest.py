"""What all tests share: one local stack a session, started by the first test that wants it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from hypothesis import HealthCheck, settings

from tests.databases import database_of
from tools.stack import Stack, running_stack
from trigger.adapters.pubsub import unbatched_publisher_client

#: Folder of a stack that is up already (`python -m tools.stack`), for quick repeated runs.
STACK_DIR_VARIABLE = "EMBERFRAME_TEST_STACK"

# In a fresh checkout Hypothesis reads through all our sources before it draws its first value, and
# takes the second that this lasts for a strategy that is too slow.
settings.register_profile("emberframe", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("emberframe")


def pytest_configure() -> None:
    """End on SIGTERM and SIGHUP as on Ctrl-C: through the fixtures that stop what tests started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Auth, Firestore, Pub/Sub, Functions and Storage emulators with our rules; no worker."""
    given = os.environ.get(STACK_DIR_VARIABLE)
    if given:
        running = Stack.read(Path(given))
        assert running is not None, f"{STACK_DIR_VARIABLE} is {given!r}, where no stack is"
        yield running
        return
    with running_stack(tmp_path_factory.mktemp("stack"), worker=False) as started:
        yield started


@pytest.fixture(scope="session")
def firestore_client(stack: Stack) -> Iterator[firestore.Client]:
    """The database without rules, as the server sees it."""
    with database_of(stack, stack.project) as client:
        yield client


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
