"""Ways in which the engine process loses its model, and the way back."""

import json
import os
import queue
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from gpu_worker.ports import EngineUnavailable
from tests.unit.engine.jobs import PATIENCE_SECONDS, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint of the test's own."""
    assert isinstance(SHAPES.source, FolderSource)
    return Path(shutil.copytree(SHAPES.source.folder, tmp_path / "model"))


@pytest.fixture
def ready(folder: Path) -> Iterator[EngineProcess]:
    """An engine of the test's own, with its model loaded."""
    engine = EngineProcess("shapes", model_dir=folder, json_log=True)
    engine.wait_ready(PATIENCE_SECONDS)
    yield engine
    engine.close()


def kill(engine: EngineProcess) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)


def losses_of(engine: EngineProcess) -> "queue.SimpleQueue[EngineUnavailable]":
    told = queue.SimpleQueue[EngineUnavailable]()
    engine.watch(told.put)
    return told


def test_an_engine_whose_process_cannot_be_started_again_is_lost(
    ready: EngineProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = losses_of(ready)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    kill(ready)
    assert "cannot be started: No such file" in str(told.get(timeout=PATIENCE_SECONDS))


def test_an_engine_whose_successor_dies_while_loading_is_lost(ready: EngineProcess) -> None:
    told, victim = losses_of(ready), ready.pid
    kill(ready)
    with ready._changed:
        assert ready._changed.wait_for(lambda: ready.pid not in (victim, None), PATIENCE_SECONDS)
    kill(ready)
    assert "stopped unexpectedly" in str(told.get(timeout=PATIENCE_SECONDS))
    with pytest.raises(EngineUnavailable):
        run(ready)


def test_a_lost_engine_works_again_when_it_is_started_and_its_model_is_back(
    ready: EngineProcess, folder: Path
) -> None:
    told = losses_of(ready)
    away = folder.rename(folder.with_name("away"))
    kill(ready)
    told.get(timeout=PATIENCE_SECONDS)
    with ready._changed:
        assert ready._changed.wait_for(lambda: ready.pid is None, PATIENCE_SECONDS)
    away.rename(folder)
    ready.start()
    assert ready.wait_ready(PATIENCE_SECONDS).models == ("shapes",)
    assert len(run(ready, num_inference_steps=2).pictures) == 1


def test_a_supervisor_that_logs_json_gets_json_from_its_engine(
    ready: EngineProcess, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = losses_of(ready)
    shutil.rmtree(folder)
    kill(ready)
    told.get(timeout=PATIENCE_SECONDS)
    ready.close()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["severity"] for line in lines] == ["ERROR"]
    assert "has no model_index.json" in lines[0]["message"]
