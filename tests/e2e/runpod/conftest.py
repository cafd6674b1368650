"""One endpoint for all tests here: RunPod's local API server over the real engine."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud import firestore

from tests.databases import database_of
from tools.stack import Stack
from tools.stack.names import REPOSITORY
from tools.stack.waiting import wait_until

#: Not the stack's own project, whose functions would take part.
PROJECT = "runpod-endpoint"
#: Importing torch on two busy cores, and loading two models.
START_SECONDS = 110.0
REQUEST_SECONDS = 110.0
LEAVE_SECONDS = 20.0


@dataclass(frozen=True)
class Endpoint:
    """The local server's four routes."""

    http: httpx.Client
    log_file: Path

    def run(self, **given: Any) -> str:
        """`/run`: the new job's id."""
        answer = self._post("/run", given)
        assert answer["status"] == "IN_PROGRESS"
        job: str = answer["id"]
        return job

    def run_sync(self, **given: Any) -> dict[str, Any]:
        return self._post("/runsync", given)

    def output(self, **given: Any) -> dict[str, Any]:
        """What a job that goes well comes to."""
        answer = self.run_sync(**given)
        assert answer.get("status") == "COMPLETED", answer
        output: dict[str, Any] = answer["output"]
        return output

    def error(self, **given: Any) -> str:
        answer = self.run_sync(**given)
        assert answer.keys() == {"id", "status", "error"}, answer
        assert answer["status"] == "FAILED"
        error: str = answer["error"]
        return error

    def status(self, job: str) -> dict[str, Any]:
        """`/status` of the local server is what runs a job that `/run` took."""
        return self._post(f"/status/{job}", None)

    def stream(self, job: str) -> dict[str, Any]:
        return self._post(f"/stream/{job}", None)

    def _post(self, path: str, given: Any) -> dict[str, Any]:
        # Written here: what hostile clients send, such as NaN, httpx would refuse to.
        content = json.dumps({"input": given})
        answer: dict[str, Any] = (
            self.http.post(path, content=content, headers={"Content-Type": "application/json"})
            .raise_for_status()
            .json()
        )
        return answer


@pytest.fixture(scope="package")
def endpoint(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("endpoint")
    health, log_file = folder / "health.json", folder / "endpoint.log"
    port = free_port()
    command = ["-m", "gpu_worker", "runpod", "--rp_serve_api", "--rp_api_port", str(port)]
    with log_file.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env={
                **os.environ,
                **stack.env(),
                "GOOGLE_CLOUD_PROJECT": PROJECT,
                "EMBERFRAME_IMAGE_MODEL": "shapes",
                "EMBERFRAME_HEALTH_FILE": str(health),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def running() -> None:
        assert process.poll() is None, log_file.read_text()

    def ready() -> bool:
        said = health.exists() and json.loads(health.read_text())["state"] == "ready"
        return said and answers(port)

    try:
        deadline = time.monotonic() + START_SECONDS
        assert wait_until(ready, deadline=deadline, check=running), log_file.read_text()
        with httpx.Client(base_url=f"http://localhost:{port}", timeout=REQUEST_SECONDS) as http:
            yield Endpoint(http, log_file)
        process.terminate()
        assert process.wait(LEAVE_SECONDS) == 0, log_file.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def database(stack: Stack) -> Iterator[firestore.Client]:
    with database_of(stack, PROJECT) as client:
        yield client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port), 1).close()
    except OSError:
        return False
    return True
