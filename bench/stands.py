"""Workers of several kinds side by side on the same emulators, each with a project of its own.

What is timed ends when a listener in this process has seen the document `completed`.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.cloud import firestore

from bench.groups import running_group
from bench.intakes.timed_worker import JOB_VARIABLE, SIDE_VARIABLE
from bench.intakes.worker import TimedWorker, running_worker
from shared.paths import GenerationPath
from tests.chaos.emulators import Cloud
from tests.chaos.project import Project
from tests.chaos.recorder import Recorder

END_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A project, its listener, and somebody who serves it."""

    project: Project
    recorder: Recorder
    #: Of the pictures, in pixels.
    side: int

    def serve(self, jobs: int) -> "Served":
        """Publish `jobs` at once and wait until the last is completed."""
        paths = [accept(self.project, side=self.side) for _ in range(jobs)]
        published = time.monotonic()
        self.project.publish(paths)
        for path in paths:
            state = self.recorder.wait_for(path, lambda it: it.status.terminal, END_SECONDS)
            if state.status != "completed":
                raise RuntimeError(f"{path} ended as {state.status}")
        return Served(published, time.monotonic())


def accept(project: Project, *, side: int) -> GenerationPath:
    """A document as the function leaves it, without its message; its picture is to be square."""
    path = project.new_path()
    request = {"prompt": "a circle", "num_inference_steps": 1, "seed": 7}
    project.database.document(str(path)).create(
        {
            "input": {**request, "width": side, "height": side},
            "status": "queued",
            "created_at": firestore.SERVER_TIMESTAMP,
        }
    )
    return path


@dataclass(frozen=True)
class Served:
    """On the monotonic clock."""

    published: float
    completed: float

    @property
    def seconds(self) -> float:
        return self.completed - self.published


@contextmanager
def our_stand(
    cloud: Cloud, folder: Path, name: str, *, side: int, job_seconds: float
) -> Iterator[tuple[Stand, TimedWorker]]:
    """The real pull worker, its engine a stopwatch."""
    with (
        project_of(cloud, name) as (project, recorder),
        running_worker(
            ["pull"],
            {**project.env(), SIDE_VARIABLE: str(side)},
            folder / name,
            job_seconds=job_seconds,
        ) as worker,
    ):
        yield Stand(project=project, recorder=recorder, side=side), worker


@contextmanager
def other_stand(
    cloud: Cloud, kind: str, name: str, *, side: int, job_seconds: float
) -> Iterator[Stand]:
    """One of `bench.consumers`."""
    with project_of(cloud, name) as (project, recorder):
        env = {JOB_VARIABLE: f"{job_seconds:g}", SIDE_VARIABLE: str(side)}
        with _running(["-m", "bench.consumers", kind], {**project.env(), **env}):
            yield Stand(project=project, recorder=recorder, side=side)


@contextmanager
def project_of(cloud: Cloud, name: str) -> Iterator[tuple[Project, Recorder]]:
    """One of its own, and who listens to it."""
    project = Project(cloud, f"demo-bench-{name}")
    try:
        with Recorder(project.database) as recorder:
            yield project, recorder
    finally:
        project.close()


@contextmanager
def _running(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[None]:
    """A Python process that says a line when it is ready."""
    with running_group(
        [sys.executable, *arguments], env=env, stdout=subprocess.PIPE, grace_seconds=0.0
    ) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise ChildProcessError(f"{arguments} ended before it was ready")
        yield
