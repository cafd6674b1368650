"""A worker whose model is gone gives its work back: no generation is at fault."""

import json
import logging

import pytest

from gpu_worker.lifecycle.handled import Done, Later
from shared.paths import GenerationPath
from shared.ports import Changes
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS
from tests.unit.lifecycle.world import World, crashing, held

OTHER = GenerationPath(uid="ada", generation_id="g2")
REASON = "/srv/models/secret has no model_index.json"


def test_a_job_that_waited_for_the_engine_goes_back_uncounted_and_at_once(world: World) -> None:
    world.submit()
    world.submit(OTHER)
    worker = world.worker(held)
    working = worker.start()
    worker.wait_held()
    waiting = worker.start(OTHER)
    world.documents.wait_for_writes(lambda w: w.get("status") == "processing", 2)
    worker.engine.lose(REASON)
    assert waiting.result(TIMEOUT_SECONDS) == Later(seconds=0)
    data = world.documents.data(OTHER)
    assert (data["status"], data["attempt"]) == ("queued", 0)
    assert data["lease"] == {"token": 1, "worker_id": None, "expires_at": None}
    assert "error" not in data
    # It was at work when the process died, and may be why.
    working.result(TIMEOUT_SECONDS)
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("queued", 1)
    assert data["error"]["code"] == "engine_crashed"


def test_no_number_of_tries_without_an_engine_fails_a_generation(world: World) -> None:
    world.submit()
    worker = world.worker()
    worker.engine.lose(REASON)
    assert [worker.handle() for _ in range(5)] == [Later(seconds=0)] * 5
    assert world.documents.data()["status"] == "queued"
    assert world.worker(name="worker-b").handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["attempt"]) == ("completed", 1)


def test_an_earlier_failure_still_counts_when_the_engine_is_lost(world: World) -> None:
    world.submit()
    world.worker(crashing).handle()
    worker = world.worker()
    worker.engine.lose(REASON)
    worker.handle()
    assert world.documents.data()["attempt"] == 1


def test_the_reason_reaches_neither_document_nor_the_job_s_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.submit()
    worker = world.worker()
    worker.engine.lose(REASON)
    worker.handle()
    assert "/srv/models" not in json.dumps(world.documents.writes, default=str)
    assert "/srv/models" not in caplog.text
    assert "stopped: engine_lost" in caplog.text


def test_who_cancelled_gets_the_cancellation_though_the_engine_is_lost(world: World) -> None:
    world.submit()
    worker = world.worker()
    worker.engine.lose(REASON)

    def cancel(changes: Changes) -> None:
        if changes.get("status") == "processing":
            world.documents.change(cancel_requested=True)

    world.documents.after = cancel
    assert worker.handle() == Done()
    assert world.documents.data()["status"] == "cancelled"


def test_a_runner_is_idle_while_it_has_no_generation_in_hand(world: World) -> None:
    world.submit()
    worker = world.worker(held)
    idle = [worker.runner.idle]
    handling = worker.start()
    worker.wait_held()
    idle.append(worker.runner.idle)
    worker.release()
    handling.result(TIMEOUT_SECONDS)
    idle.append(worker.runner.idle)
    assert idle == [True, False, True]
