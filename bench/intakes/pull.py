"""Messages by waiting pulls from the Pub/Sub emulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.intakes.lane import Lane
from bench.intakes.worker import running_worker
from shared.paths import GenerationPath
from tests.chaos.emulators import Cloud
from tests.chaos.project import Project
from tests.chaos.recorder import Recorder


@contextmanager
def pull_lane(
    cloud: Cloud, folder: Path, *, job_seconds: float, name: str = "demo-bench-pull"
) -> Iterator[Lane]:
    """`name` is the project's, which one lane has for itself."""
    project = Project(cloud, name)
    with (
        Recorder(project.database) as recorder,
        running_worker(["pull"], project.env(), folder, job_seconds=job_seconds) as worker,
    ):

        def deliver(paths: list[GenerationPath]) -> None:
            project.publish(paths)

        yield Lane(project=project, recorder=recorder, worker=worker, deliver=deliver)
    project.close()
