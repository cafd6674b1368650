"""What every `Engine`, the real one and that in memory, does when its model is gone for good."""

import os
import queue
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.ports import EngineProgress, EngineUnavailable, JobCancelled
from shared.errors import ErrorCode, GenerationError
from tests.contract.engine_jobs import KINDS, MANY_STEPS, Gate
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job, run


class Losable:
    """A ready engine of one's own, and what takes its model away for good."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder / "model"
        self.engine: EngineProcess | InMemoryEngine
        if kind == "process":
            assert isinstance(SHAPES.source, FolderSource)
            shutil.copytree(SHAPES.source.folder, self.folder)
            self.engine = EngineProcess("shapes", model_dir=self.folder)
        else:
            self.engine = InMemoryEngine(lambda _: Script(hold_at=2))
        self.engine.start()
        self.engine.wait_ready(PATIENCE_SECONDS)

    def lose(self) -> None:
        if isinstance(self.engine, InMemoryEngine):
            self.engine.lose(f"The model cannot be loaded from {self.folder}.")
            return
        shutil.rmtree(self.folder)
        assert self.engine.pid is not None
        os.kill(self.engine.pid, signal.SIGKILL)


@pytest.fixture(params=KINDS)
def losable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Losable]:
    losable = Losable(request.param, tmp_path)
    yield losable
    losable.engine.close()


def test_a_lost_engine_tells_who_watches_and_refuses_every_job_at_once(losable: Losable) -> None:
    engine, told = losable.engine, queue.SimpleQueue[EngineUnavailable]()
    engine.watch(told.put)
    losable.lose()
    assert str(losable.folder) in str(told.get(timeout=PATIENCE_SECONDS))
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match=str(losable.folder)):
            run(engine)
    with pytest.raises(GenerationError, match=str(losable.folder)):
        engine.wait_ready(PATIENCE_SECONDS)
    assert told.empty()
    late: list[EngineUnavailable] = []
    engine.watch(late.append)
    assert [str(losable.folder) in str(it) for it in late] == [True]
    engine.close()
    with pytest.raises(GenerationError, match=str(losable.folder)):
        engine.wait_ready(PATIENCE_SECONDS)


def test_a_loss_crashes_the_job_at_work_and_refuses_those_in_line(losable: Losable) -> None:
    engine, gate = losable.engine, Gate[EngineProgress]()
    gate.opened.set()
    first, second = (make_job(num_inference_steps=MANY_STEPS) for _ in range(2))
    with ThreadPoolExecutor(2) as threads:
        working = threads.submit(engine.run, first, gate)
        assert gate.reached.wait(PATIENCE_SECONDS)
        waiting = threads.submit(engine.run, second, lambda _: None)
        losable.lose()
        crash = working.exception(PATIENCE_SECONDS)
        refusal = waiting.exception(PATIENCE_SECONDS)
    assert isinstance(crash, GenerationError)
    assert crash.code is ErrorCode.ENGINE_CRASHED
    assert str(losable.folder) not in crash.message
    assert isinstance(refusal, EngineUnavailable)


def test_closing_an_engine_is_no_loss(losable: Losable) -> None:
    told: list[EngineUnavailable] = []
    losable.engine.watch(told.append)
    losable.engine.close()
    with pytest.raises(JobCancelled):
        run(losable.engine)
    assert told == []
