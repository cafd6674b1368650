"""A worker that is asked to go leaves in under 8 seconds, wherever the signal finds it."""

import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import LEAVE_SECONDS, running_worker
from tests.e2e.gates import Gate
from tests.e2e.test_worker_death import PATIENCE_SECONDS
from tools.demo.phone import Phone
from tools.stack import Stack
from tools.stack.waiting import wait_until
from tools.stack.worker import Worker

SHORT_REQUEST = {"prompt": "a red circle on a blue background", "num_inference_steps": 2}


@pytest.fixture
def storage(stack: Stack) -> Iterator[Gate]:
    with Gate(stack.emulators["storage"]) as gate:
        yield gate


@pytest.fixture
def firestore(stack: Stack) -> Iterator[Gate]:
    with Gate(stack.firestore) as gate:
        yield gate


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def assert_leaves(worker: Worker, code: int) -> None:
    engines = psutil.Process(worker.process.pid).children()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(LEAVE_SECONDS) == code
    _, left = psutil.wait_procs(engines, timeout=LEAVE_SECONDS)
    assert left == []


def test_while_the_model_is_being_loaded(stack: Stack, tmp_path: Path) -> None:
    worker = Worker.start(
        {**os.environ, **stack.env()}, tmp_path / "health.json", tmp_path / "worker.log"
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        assert wait_until(
            lambda: worker.state() == "starting" and psutil.Process(worker.process.pid).children(),
            deadline=deadline,
            check=worker.assert_running,
        )
        assert_leaves(worker, 0)
    finally:
        worker.process.kill()
        worker.process.wait()


def test_while_an_upload_hangs_and_the_generation_is_given_back(
    stack: Stack, phone: Phone, storage: Gate, tmp_path: Path
) -> None:
    storage.freeze()
    generation_id = secrets.token_hex(8)
    port = free_port()
    settings = {
        "STORAGE_EMULATOR_HOST": f"http://{storage.address}",
        "EMBERFRAME_HEALTH_PORT": str(port),
    }
    with running_worker(stack, tmp_path / "a", **settings) as first:
        probes = [f"http://127.0.0.1:{port}/{name}" for name in ("alive", "ready")]
        assert [httpx.get(it, trust_env=False).status_code for it in probes] == [200, 200]
        phone.create(generation_id, SHORT_REQUEST)
        assert storage.used.wait(PATIENCE_SECONDS)
        assert_leaves(first, 0)
    with running_worker(stack, tmp_path / "b"):
        *_, last = phone.documents(generation_id, PATIENCE_SECONDS)
    assert last["data"]["status"] == "completed"
    assert last["data"]["attempt"] == 1, "what was given back on purpose is no failed attempt"


def test_while_the_last_write_gets_no_answer(
    stack: Stack, phone: Phone, storage: Gate, firestore: Gate, tmp_path: Path
) -> None:
    """The document cannot be given back: its lease lapses, and another worker takes over."""
    generation_id = secrets.token_hex(8)
    settings = {
        "STORAGE_EMULATOR_HOST": f"http://{storage.address}",
        "FIRESTORE_EMULATOR_HOST": firestore.address,
        "EMBERFRAME_LEASE_SECONDS": "10",
    }
    with running_worker(stack, tmp_path / "a", **settings) as first:
        phone.create(generation_id, SHORT_REQUEST)
        assert storage.used.wait(PATIENCE_SECONDS)
        firestore.freeze()
        assert_leaves(first, 1)
    with running_worker(stack, tmp_path / "b", EMBERFRAME_LEASE_SECONDS="10"):
        *_, last = phone.documents(generation_id, PATIENCE_SECONDS)
    assert last["data"]["status"] == "completed"
    assert last["data"]["attempt"] == 2
