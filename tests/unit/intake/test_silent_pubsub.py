"""A Pub/Sub that says nothing any more: a call that is never answered, a connection that died."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from gpu_worker.adapters import pubsub
from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.intake import subscription
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.handled import Done
from shared.paths import GenerationPath
from tests.unit.intake.pubsub_server import NAME, PubSubServer
from tests.unit.intake.silent_front import SilentFront
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS


class ForgetfulPubSub(PubSubServer):
    """Has a message, but lets the first so many pulls wait in vain."""

    def __init__(self, forgotten: int = 0) -> None:
        self.stocked = threading.Event()
        self.pulled = threading.Semaphore(0)
        self._forgotten = forgotten
        super().__init__()

    def has_one(self) -> bool:
        self.pulled.release()
        self._forgotten -= 1
        return self.stocked.is_set() and self._forgotten < 0


class Taken:
    """A handler that says that it was handed a generation."""

    def __init__(self) -> None:
        self.paths: list[GenerationPath] = []
        self.came = threading.Event()

    def handle(self, path: GenerationPath) -> Done:
        self.paths.append(path)
        self.came.set()
        return Done()


@contextmanager
def pulling(subscriber: pubsub_v1.SubscriberClient, taken: Taken) -> Iterator[None]:
    intake = PullIntake(subscriber, [NAME], taken, slots=1)
    thread = threading.Thread(target=intake.run)
    thread.start()
    try:
        yield
    finally:
        intake.stop()
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def short_pulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PULL_SECONDS", 0.4)


def test_what_a_pull_that_is_never_answered_would_have_brought_comes_with_the_next() -> None:
    server, taken = ForgetfulPubSub(forgotten=1), Taken()
    server.stocked.set()
    try:
        with subscriber_client(server.address) as subscriber, pulling(subscriber, taken):
            assert taken.came.wait(TIMEOUT_SECONDS)
    finally:
        server.close()
    assert taken.paths == [PATH]


def test_a_connection_that_died_in_silence_is_given_up_and_the_message_comes_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Above the second that grpc leaves between two signs of life.
    monkeypatch.setattr(pubsub, "QUIET_SECONDS", 1.2)
    monkeypatch.setattr(pubsub, "SIGN_OF_LIFE_SECONDS", 0.3)
    server, taken = ForgetfulPubSub(), Taken()
    front = SilentFront(server.address)
    try:
        with subscriber_client(front.address) as subscriber, pulling(subscriber, taken):
            assert server.pulled.acquire(timeout=TIMEOUT_SECONDS)
            front.silence()
            server.stocked.set()
            assert taken.came.wait(TIMEOUT_SECONDS)
    finally:
        front.close()
        server.close()
    assert taken.paths == [PATH]
    assert front.connections == 2


def test_google_s_own_connection_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    create = SubscriberGrpcTransport.create_channel

    def record(host: str, **options: Any) -> Any:
        made.append(dict(options["options"]))
        return create(host, **options)

    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(SubscriberGrpcTransport, "create_channel", record)
    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), "p"))
    with subscriber_client(None):
        (options,) = made
    assert options["grpc.keepalive_time_ms"] == 30_000
    assert options["grpc.http2.ping_timeout_ms"] == 10_000
    assert options["grpc.max_reconnect_backoff_ms"] == 10_000
    # What the library would have it have besides.
    assert options["grpc.max_receive_message_length"] == -1
