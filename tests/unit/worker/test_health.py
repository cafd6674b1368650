"""The health file: whole at any moment, and draining is its last word."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gpu_worker.health import ALIVE_SECONDS, REFRESH_SECONDS, Health, HealthFile
from gpu_worker.health_server import HealthServer
from tests.unit.lifecycle.world import ManualClock


def test_it_says_state_pid_and_details(tmp_path: Path) -> None:
    path = tmp_path / "made" / "health.json"
    HealthFile(path).write(Health.READY, device="cpu")
    assert json.loads(path.read_text()) == {"state": "ready", "pid": os.getpid(), "device": "cpu"}
    assert list(path.parent.iterdir()) == [path]


def test_it_is_written_anew_while_the_worker_speaks_and_gets_old_when_it_stops(
    tmp_path: Path,
) -> None:
    path, clock = tmp_path / "health.json", ManualClock()
    health = HealthFile(path, clock)
    written = []
    for _ in range(13):
        health.write(Health.READY)
        written.append(path.stat().st_mtime_ns)
        clock.advance(1)
    assert len(set(written)) == 1 + 12 // REFRESH_SECONDS
    alive = [health.alive]
    clock.advance(ALIVE_SECONDS - 1)
    alive.append(health.alive)
    health.write(Health.READY)
    alive.append(health.alive)
    assert alive == [True, False, True]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[HealthFile, ManualClock, httpx.Client]]:
    clock = ManualClock()
    health = HealthFile(None, clock)
    with (
        HealthServer(health, 0) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client,
    ):
        yield health, clock, client


@pytest.mark.parametrize(
    ("state", "ready"), [(Health.STARTING, 503), (Health.READY, 200), (Health.DRAINING, 503)]
)
def test_probes_over_http_are_answered_in_every_state(
    served: tuple[HealthFile, ManualClock, httpx.Client], state: Health, ready: int
) -> None:
    health, _, client = served
    health.write(state)
    assert client.get("/ready").status_code == ready
    alive = client.get("/alive")
    assert alive.status_code == 200
    assert alive.json() == {"alive": True, "state": state.value}
    assert client.get("/").status_code == 404


def test_a_worker_that_is_stuck_is_neither_alive_nor_ready(
    served: tuple[HealthFile, ManualClock, httpx.Client],
) -> None:
    health, clock, client = served
    health.write(Health.READY)
    clock.advance(ALIVE_SECONDS)
    assert client.get("/alive").status_code == 503
    assert client.get("/ready").status_code == 503


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
