"""Workers of an endpoint: real processes with RunPod's real loop, against the double."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runpod.desk import Desk
from tests.unit.runpod.double import RunPod

REPOSITORY = Path(__file__).resolve().parents[3]
#: SIGTERM to exit, see DESIGN.md promise 6; and for the interpreter to end under load.
LEAVE_SECONDS = 8.0
END_SECONDS = 30.0
#: What this machine has set must not reach the workers.
FOREIGN = ("EMBERFRAME_", "RUNPOD_", "GOOGLE_", "FIRESTORE_", "PUBSUB_", "STORAGE_", "HF_")


@dataclass
class Worker:
    process: "subprocess.Popen[bytes]"
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def running_endpoint(
    folder: Path, *, module: str = "tests.unit.runpod.light_endpoint", **variables: str
) -> Iterator[Worker]:
    """One worker process, ended at the latest with the block."""
    log_file = folder / "worker.log"
    own = {name: it for name, it in os.environ.items() if not name.startswith(FOREIGN)}
    with log_file.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "runpod"],
            cwd=REPOSITORY,
            env={**own, "HOME": str(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Worker(process, log_file)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(END_SECONDS)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def runpod() -> Iterator[RunPod]:
    with RunPod() as double:
        yield double


@pytest.fixture
def make_desk() -> Iterator[Callable[..., Desk]]:
    """Makes desks that end with the test."""
    desks: list[Desk] = []

    def make(*arguments: Any, **settings: Any) -> Desk:
        desks.append(Desk(*arguments, **settings))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()
