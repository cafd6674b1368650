"""A worker that has to go while Pub/Sub answers no call: the real client, a server of ours."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.health import HealthFile
from gpu_worker.intake.pull import PullIntake
from gpu_worker.service import Service
from tests.unit.intake.pubsub_server import NAME, PubSubServer
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import World, held


class MutePubSub(PubSubServer):
    """Delivers one message; once `mute` is set, no call is answered until the end."""

    def __init__(self) -> None:
        self.mute, self.over = threading.Event(), threading.Event()
        super().__init__()

    def answer(self, method: str) -> bytes:
        if self.mute.is_set():
            self.over.wait(TIMEOUT_SECONDS)
        return b""

    def close(self) -> None:
        self.over.set()
        super().close()


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
    caplog: pytest.LogCaptureFixture,
) -> None:
    world.submit()
    worker = world.worker(held)
    left: list[int] = []
    stopping = threading.Event()
    with subscriber_client(pubsub.address) as subscriber:
        intake = PullIntake(subscriber, [NAME], worker.runner, slots=1)
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
