"""A busy worker leaves what comes to an idle one, and has its own next job in time.

The real client, the Pub/Sub emulator, real runners; the engines' clocks are turned by hand.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from gpu_worker.in_memory_engine import Script
from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.handled import Done
from gpu_worker.lifecycle.outlook import LEAD_SECONDS
from gpu_worker.ports import EngineJob
from shared.paths import GenerationPath
from tests.emulator.lanes import TIMEOUT_SECONDS, Lane
from tests.unit.lifecycle.world import ManualClock, Worker, World, job_id

PICTURE = {"prompt": "a circle", "num_inference_steps": 4, "width": 64, "height": 64}
FILM = {"task_type": "text2video", "prompt": "a circle", "num_inference_steps": 4, "num_frames": 17}
#: How long a job takes; within a lease's trust window.
JOB_SECONDS = 20.0


def path_of(name: str) -> GenerationPath:
    return GenerationPath(uid="ada", generation_id=name)


def silent(_: EngineJob) -> Script:
    """Stands before its first step: what it tells says nothing of its end."""
    return Script(hold_at=1)


@contextmanager
def pulling(lane: Lane, worker: Worker) -> Iterator[PullIntake]:
    intake = PullIntake(
        lane.subscriber, [lane.subscription], worker.runner, slots=2, outlook=worker.runner
    )
    worker.runner.listen(intake.look)
    thread = threading.Thread(target=intake.run)
    thread.start()
    try:
        yield intake
    finally:
        intake.stop()
        worker.engine.close()
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive()


class Shop:
    """Documents in memory, messages on the emulator."""

    def __init__(self, lane: Lane, world: World, request: dict[str, Any]) -> None:
        self.lane, self.world, self._request = lane, world, request

    def order(self, name: str) -> None:
        self.world.submit(path_of(name), input=self._request)
        self.lane.publish(name)

    def trained(self, name: str, clock: ManualClock) -> Worker:
        """A worker that knows how long such a job takes, and stands in the middle of one."""
        worker = self.world.worker(silent, name=name, clock=clock)
        lesson = f"{name}-learns"
        self.world.submit(path_of(lesson), input=self._request)
        running = worker.start(path_of(lesson))
        self.wait_at_work(worker, lesson)
        clock.advance(JOB_SECONDS)
        self.finish(worker, lesson)
        assert running.result(TIMEOUT_SECONDS) == Done()
        return worker

    def wait_at_work(self, worker: Worker, name: str) -> None:
        self.wait_claimed(name)
        worker.engine.wait_held(self._job(name), TIMEOUT_SECONDS)

    def finish(self, worker: Worker, name: str) -> None:
        worker.engine.release(self._job(name))

    def wait_claimed(self, name: str) -> None:
        self._wait(name, "processing")

    def wait_completed(self, name: str) -> None:
        self._wait(name, "completed")

    def _wait(self, name: str, status: str) -> None:
        self.world.documents.wait_for_writes(lambda _: self.status(name) == status)

    def status(self, name: str) -> Any:
        return self.world.documents.data(path_of(name))["status"]

    def _job(self, name: str) -> str:
        token = self.world.documents.data(path_of(name))["lease"]["token"]
        return job_id(token, path_of(name))


@pytest.fixture(params=[PICTURE, FILM], ids=["pictures", "films"])
def shop(lane: Lane, request: pytest.FixtureRequest) -> Iterator[Shop]:
    lane.subscribe()
    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(4) as files:
        world = World(pool, files)
        yield Shop(lane, world, request.param)
        world.close()


@pytest.mark.stack
def test_what_comes_while_one_works_goes_to_the_other(shop: Shop) -> None:
    clock = ManualClock()
    busy = shop.trained("busy", clock)
    idle = shop.world.worker(silent, name="idle", clock=ManualClock())
    with pulling(shop.lane, busy):
        shop.order("first")
        shop.wait_at_work(busy, "first")
        with pulling(shop.lane, idle):
            shop.order("second")
            shop.wait_at_work(idle, "second")
            assert len(busy.engine.ran) == 2  # what it learnt from, and the first
            for worker, name in ((busy, "first"), (idle, "second")):
                shop.finish(worker, name)
                shop.wait_completed(name)


@pytest.mark.stack
def test_a_worker_alone_takes_its_next_job_shortly_before_it_is_free_for_it(shop: Shop) -> None:
    clock = ManualClock()
    worker = shop.trained("alone", clock)
    with pulling(shop.lane, worker) as intake:
        shop.order("first")
        shop.wait_at_work(worker, "first")
        shop.order("second")
        # Another worker could have it: a plain pull gets it. It goes back.
        (message,) = shop.lane.waiting()
        shop.lane.publish("second")
        assert shop.status("second") == "queued"
        clock.advance(JOB_SECONDS - LEAD_SECONDS / 2)
        intake.look()
        shop.wait_claimed("second")
        assert shop.status("first") == "processing"
        shop.finish(worker, "first")
        shop.wait_at_work(worker, "second")
        shop.finish(worker, "second")
        for name in ("first", "second"):
            shop.wait_completed(name)
    assert b"second" in message
