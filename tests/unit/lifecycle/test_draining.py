"""A worker that has to go gives its work back unharmed."""

import threading
from datetime import timedelta

from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.lifecycle.runner import WAITED_SECONDS
from shared.paths import GenerationPath
from shared.ports import Changes
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import World, crashing, held


def test_a_running_generation_goes_back_to_the_queue_without_counting_the_attempt(
    world: World,
) -> None:
    worker, handling = world.hold_one()
    worker.runner.drain()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=0)
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("queued", 0)
    assert data["lease"] == {"token": 1, "worker_id": None, "expires_at": None}
    assert "error" not in data
    assert "progress" not in data
    assert world.objects.names == set()


def test_what_was_given_back_is_finished_by_another_worker_at_once(world: World) -> None:
    worker, handling = world.hold_one()
    worker.runner.drain()
    handling.result(TIMEOUT_SECONDS)
    assert world.worker(name="worker-b").handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["attempt"], data["lease"]["token"]) == ("completed", 1, 2)


def test_a_drained_worker_refuses_new_work_and_touches_nothing(world: World) -> None:
    world.submit()
    worker = world.worker()
    worker.runner.drain()
    assert worker.handle() == Later(seconds=0)
    assert world.documents.writes == []


def test_a_job_waiting_for_the_engine_is_given_back_too(world: World) -> None:
    other = GenerationPath(uid="ada", generation_id="g2")
    world.submit()
    world.submit(other)
    worker = world.worker(held)
    running = worker.start()
    worker.wait_held()
    waiting = worker.start(other)
    world.documents.wait_for_writes(lambda w: w.get("status") == "processing", 2)
    worker.runner.drain()
    for handling in (running, waiting):
        assert handling.result(TIMEOUT_SECONDS) == Later(seconds=0)
    assert world.documents.data(other)["status"] == "queued"


def test_a_drain_during_the_claim_gives_the_claim_back(world: World) -> None:
    world.submit()
    claiming, drained = threading.Event(), threading.Event()

    def pause(changes: Changes) -> None:
        if changes.get("status") == "processing":
            claiming.set()
            assert drained.wait(TIMEOUT_SECONDS)

    world.documents.before = pause
    worker = world.worker()
    handling = worker.start()
    assert claiming.wait(TIMEOUT_SECONDS)
    worker.runner.drain()
    drained.set()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=0)
    assert worker.engine.ran == []
    assert (world.documents.data()["status"], world.documents.data()["attempt"]) == ("queued", 0)


def test_a_drain_ends_the_wait_for_a_lease_that_is_about_to_lapse(world: World) -> None:
    expires_at = world.clock.now() + timedelta(seconds=WAITED_SECONDS)
    lease = {"token": 1, "worker_id": "dead", "expires_at": expires_at}
    world.submit(status="processing", lease=lease)
    worker = world.worker()
    world.documents.before_read = worker.runner.drain
    assert worker.handle() == Later(seconds=0)
    assert world.documents.writes == []


def test_an_engine_closed_under_its_job_gives_the_job_back(world: World) -> None:
    worker, handling = world.hold_one()
    worker.engine.close()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=0)
    assert world.documents.data()["status"] == "queued"


def test_a_failed_attempt_still_counts_after_a_drain(world: World) -> None:
    world.submit()
    world.worker(crashing).handle()
    world.backoff_over()
    worker = world.worker(held)
    handling = worker.start()
    worker.wait_held(token=2)
    worker.runner.drain()
    handling.result(TIMEOUT_SECONDS)
    assert world.documents.data()["attempt"] == 1
