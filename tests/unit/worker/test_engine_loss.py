"""A worker with the real engine process whose model goes away under it; documents in memory."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.health import HealthFile
from gpu_worker.lifecycle.handled import Handled, Later
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.service import Service
from shared.clock import SystemClock
from shared.paths import GenerationPath
from shared.ports import Changes
from tests.unit.lifecycle.world import INPUT, World

PATIENCE_SECONDS = 60.0
LONG = {**INPUT, "num_inference_steps": 150}
WORKING, WAITING = (GenerationPath(uid="ada", generation_id=name) for name in ("g1", "g2"))


def at_work(write: Changes) -> bool:
    return "denoise" in str(write.get("progress"))


class Jobs:
    """An intake that is given two messages, one after the other, and keeps what becomes of them."""

    def __init__(self, runner: GenerationRunner, world: World) -> None:
        self.handled: dict[GenerationPath, Future[Handled]] = {}
        self._runner = runner
        self._world = world
        self._stopped = threading.Event()

    def run(self) -> None:
        with ThreadPoolExecutor(2) as slots:
            self.handled[WORKING] = slots.submit(self._runner.handle, WORKING)
            # Else either of them may come to the engine first.
            self._world.documents.wait_for_writes(at_work)
            self.handled[WAITING] = slots.submit(self._runner.handle, WAITING)
            assert self._stopped.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        self._stopped.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert isinstance(SHAPES.source, FolderSource)
    return Path(shutil.copytree(SHAPES.source.folder, tmp_path / "model"))


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(4) as files:
        world = World(pool, files)
        world.submit(WORKING, input=LONG)
        world.submit(WAITING, input=LONG)
        yield world


def test_a_worker_that_lost_its_model_gives_its_jobs_back_and_ends_with_1(
    world: World, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = EngineProcess("shapes", model_dir=folder)
    runner = world.worker(engine=engine, clock=SystemClock()).runner
    health, jobs = tmp_path / "health.json", Jobs(runner, world)
    stopping = threading.Event()
    service = Service(engine, runner, jobs, HealthFile(health), stopping)
    engine.wait_ready(PATIENCE_SECONDS)
    running = world.pool.submit(service.run, start_timeout=PATIENCE_SECONDS)
    try:
        world.documents.wait_for_writes(at_work)
        world.documents.wait_for_writes(lambda w: w.get("status") == "processing", count=2)
        assert json.loads(health.read_text())["state"] == "ready"
        assert engine.pid is not None
        shutil.rmtree(folder)
        os.kill(engine.pid, signal.SIGKILL)
        assert running.result(PATIENCE_SECONDS) == 1
    finally:
        stopping.set()
    assert json.loads(health.read_text())["state"] == "draining"
    assert jobs.handled[WAITING].result(0) == Later(seconds=0)
    waiting, working = world.documents.data(WAITING), world.documents.data(WORKING)
    assert (waiting["status"], waiting["attempt"]) == ("queued", 0)
    assert "error" not in waiting
    # The one at work when the process died may be why it did: that try counts.
    assert (working["status"], working["attempt"]) == ("queued", 1)
    assert working["error"]["code"] == "engine_crashed"
    critical = [it.getMessage() for it in caplog.records if it.levelname == "CRITICAL"]
    assert len(critical) == 1
    assert str(folder) in critical[0]
    assert str(folder) not in json.dumps(world.documents.writes, default=str)
