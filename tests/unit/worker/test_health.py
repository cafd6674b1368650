"""The health file: whole at any moment, and draining is its last word."""

import json
import os
import threading
from pathlib import Path

import pytest

from gpu_worker.health import Health, HealthFile


def test_it_says_state_pid_and_details(tmp_path: Path) -> None:
    path = tmp_path / "made" / "health.json"
    HealthFile(path).write(Health.READY, device="cpu")
    assert json.loads(path.read_text()) == {"state": "ready", "pid": os.getpid(), "device": "cpu"}
    assert list(path.parent.iterdir()) == [path]


def test_without_a_path_nothing_is_written(tmp_path: Path) -> None:
    HealthFile(None).write(Health.READY)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_drains_never_becomes_ready_again(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    health = HealthFile(path)
    for state in (Health.STARTING, Health.DRAINING, Health.READY):
        health.write(state)
    assert json.loads(path.read_text())["state"] == "draining"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    health = HealthFile(path)
    health.write(Health.STARTING)
    done = threading.Event()

    def write() -> None:
        for length in range(200):
            health.write(Health.READY, models=["x" * length])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert json.loads(path.read_text())["pid"] == os.getpid()
    writer.join()


@pytest.mark.parametrize("state", list(Health))
def test_a_file_that_cannot_be_written_is_a_warning_and_leaves_nothing(
    state: Health, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    HealthFile(taken).write(state)
    HealthFile(Path("/proc/nowhere/health.json")).write(state)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert list(tmp_path.iterdir()) == [taken]


def test_a_file_that_cannot_be_written_is_said_once_until_that_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "health.json"
    health = HealthFile(path)

    def warnings_after(state: Health) -> int:
        health.write(state)
        return len(caplog.records)

    path.mkdir()
    assert [warnings_after(state) for state in (Health.STARTING, Health.READY)] == [1, 1]
    path.rmdir()
    assert warnings_after(Health.READY) == 1
    path.unlink()
    path.mkdir()
    assert warnings_after(Health.DRAINING) == 2
