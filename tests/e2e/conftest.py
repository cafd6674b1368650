"""Phones and workers for the end-to-end tests: real processes against the one stack."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.demo.phone import Phone
from tools.stack import Stack
from tools.stack.messaging import end_streams
from tools.stack.worker import Worker

#: Importing torch on two busy cores.
WORKER_START_SECONDS = 90.0
#: SIGTERM to exit, see DESIGN.md promise 6.
LEAVE_SECONDS = 8.0


@pytest.fixture
def phone(stack: Stack, tmp_path: Path) -> Iterator[Phone]:
    """Somebody new, signed in."""
    with Phone(stack, log_file=tmp_path / "phone.log") as phone:
        phone.sign_in()
        yield phone


@contextmanager
def leaving(worker: Worker, *, ready_seconds: float) -> Iterator[None]:
    """Enters when the worker that was started is ready; it leaves at the latest with the block."""
    try:
        worker.wait_until_ready(deadline=time.monotonic() + ready_seconds)
        yield
    finally:
        if worker.process.poll() is None:
            worker.process.terminate()
        try:
            worker.process.wait(LEAVE_SECONDS)
        finally:
            worker.process.kill()
            worker.process.wait()


@contextmanager
def running_worker(stack: Stack, directory: Path, **settings: str) -> Iterator[Worker]:
    """A worker process that is ready; `settings` are environment variables."""
    directory.mkdir(parents=True, exist_ok=True)
    worker = Worker.start(
        {**os.environ, **stack.env(), **settings},
        directory / "health.json",
        directory / "worker.log",
    )
    try:
        with leaving(worker, ready_seconds=WORKER_START_SECONDS):
            yield worker
    finally:
        end_streams(stack.pubsub)


@pytest.fixture(scope="module")
def worker(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for all tests of a module that leave it alive."""
    with running_worker(stack, tmp_path_factory.mktemp("worker")) as worker:
        yield worker
