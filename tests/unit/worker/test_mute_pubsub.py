"""A worker that has to go while Pub/Sub answers no call: the real client, a server of ours."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from gpu_worker.health import HealthFile
from gpu_worker.intake.pull import PullIntake
from gpu_worker.service import Service
from shared.message import GenerationMessage
from tests.unit.lifecycle.world import PATH, TIMEOUT_SECONDS, World, held


class MutePubSub:
    """Delivers one message; once `mute` is set, no call is answered until the end.

    A generic handler: grpc asks for no more than `service`.
    """

    def __init__(self) -> None:
        self.mute, self.over = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(8)
        self._server = grpc.server(self._threads)
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, call: Any) -> Any:
        if call.method.endswith("/StreamingPull"):
            return grpc.stream_stream_rpc_method_handler(
                self._deliver, response_serializer=types.StreamingPullResponse.serialize
            )
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def close(self) -> None:
        self.over.set()
        self._server.stop(grace=None).wait(TIMEOUT_SECONDS)
        self._threads.shutdown()

    def _deliver(self, _requests: Any, context: Any) -> Iterator[Any]:
        message = types.PubsubMessage(data=GenerationMessage(path=PATH).to_bytes(), message_id="1")
        received = types.ReceivedMessage(ack_id="a", message=message)
        yield types.StreamingPullResponse(received_messages=[received])
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait(TIMEOUT_SECONDS)

    def _answer(self, _request: Any, _context: Any) -> bytes:
        if self.mute.is_set():
            self.over.wait(TIMEOUT_SECONDS)
        return b""


@pytest.fixture
def pubsub() -> Iterator[MutePubSub]:
    pubsub = MutePubSub()
    yield pubsub
    pubsub.close()


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(4) as files:
        world = World(pool, files)
        yield world
        world.close()


def test_it_leaves_with_0_once_its_documents_are_given_back(
    pubsub: MutePubSub,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    world.submit()
    worker = world.worker(held)
    left: list[int] = []
    stopping = threading.Event()
    with pubsub_v1.SubscriberClient() as subscriber:
        intake = PullIntake(subscriber, ["projects/p/subscriptions/jobs"], worker.runner, slots=1)
        service = Service(
            worker.engine,
            worker.runner,
            intake,
            HealthFile(tmp_path / "health.json"),
            stopping,
            step_seconds=0.5,
            release_seconds=0.5,
            leave=left.append,
        )
        running = world.pool.submit(service.run, start_timeout=TIMEOUT_SECONDS)
        try:
            world.documents.wait_for_writes(lambda w: w.get("status") == "processing")
            worker.wait_held()
            pubsub.mute.set()
            stopping.set()
            assert running.result(TIMEOUT_SECONDS) == 0
        finally:
            stopping.set()
            pubsub.close()
    assert left == [0]
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("queued", 0)
    assert [it.levelname for it in caplog.records if it.name == "gpu_worker.service"] == ["WARNING"]
