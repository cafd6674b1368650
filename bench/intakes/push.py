"""Requests as the front end of Cloud Run hands them on: as many at once as there are slots.

Not the Pub/Sub emulator's push: it does not know the slots, and waits a second before it repeats
what was answered with 429. The sender is not verified, which costs a quarter of a millisecond.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx

from bench.intakes.lane import Lane
from bench.intakes.worker import running_worker
from shared.message import GenerationMessage
from shared.paths import GenerationPath
from tests.chaos.emulators import Cloud
from tests.chaos.project import Project
from tests.chaos.recorder import Recorder
from tests.unit.intake.pushing import envelope
from tools.stack.names import HOST

SLOTS = 2
REQUEST_SECONDS = 60.0


@contextmanager
def push_lane(cloud: Cloud, folder: Path, *, job_seconds: float) -> Iterator[Lane]:
    project = Project(cloud, "demo-bench-push")
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    env = {
        **project.env(),
        "PORT": str(port),
        "EMBERFRAME_PUSH_UNVERIFIED": "true",
        "EMBERFRAME_SLOTS": str(SLOTS),
    }
    with (
        Recorder(project.database) as recorder,
        running_worker(["push"], env, folder, job_seconds=job_seconds) as worker,
        httpx.Client(
            base_url=f"http://{HOST}:{port}", timeout=REQUEST_SECONDS, trust_env=False
        ) as client,
        ThreadPoolExecutor(SLOTS) as front_end,
    ):

        def push(path: GenerationPath) -> None:
            content = envelope(GenerationMessage(path=path).to_bytes())
            headers = {"Content-Type": "application/json"}
            answer = client.post("/push", content=content, headers=headers)
            if answer.status_code != HTTPStatus.NO_CONTENT:
                raise RuntimeError(f"a push was answered with {answer.status_code}")

        def deliver(paths: list[GenerationPath]) -> None:
            for path in paths:
                front_end.submit(push, path)

        yield Lane(project=project, recorder=recorder, worker=worker, deliver=deliver)
    project.close()
