"""`python -m bench.stopping`: B8, from a cancellation until the engine is free, and from a
`kill -9` of a worker until its job runs on another.

Real worker processes on emulators, their engines paced. Cancellations come at moments spread over
a step. Of both the worst case counts. Bound: a minute and a half.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.intakes.worker import TimedWorker, running_worker
from bench.outcome import Outcome
from bench.quiet import quiet_clients
from bench.reporting import main
from bench.stands import project_of
from bench.stepping_worker import STEP_VARIABLE
from shared.paths import GenerationPath
from shared.status import Status
from tests.chaos.emulators import Cloud, running_cloud
from tests.chaos.evidence import State
from tests.chaos.project import Project
from tests.chaos.recorder import Recorder

STEP_SECONDS = 0.5
CANCELLATIONS, KILLS = 12, 3
#: The shortest that the settings allow; the default is three times as long.
LEASE_SECONDS = 10.0
OF_STEP = 1.5
LATER_SECONDS = 1.0
#: More steps than any of it takes.
REQUEST = {"prompt": "a circle", "num_inference_steps": 150, "width": 64, "height": 64}
WAIT_SECONDS = 60.0


def measure() -> Sequence[Outcome]:
    quiet_clients()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_cloud(Path(folder)) as cloud,
    ):
        return [_cancelled(cloud, Path(folder)), _killed(cloud, Path(folder))]


def _cancelled(cloud: Cloud, folder: Path) -> Outcome:
    samples = []
    with project_of(cloud, "cancel") as (project, recorder), _worker(project, folder, 0) as worker:
        for number in range(CANCELLATIONS):
            path = project.submit(**REQUEST)
            recorder.wait_for(path, lambda it: bool(it.fraction), WAIT_SECONDS)
            time.sleep(STEP_SECONDS * number / CANCELLATIONS)
            asked = time.monotonic()
            project.cancel(path)
            recorder.wait_for(path, lambda it: it.status is Status.CANCELLED, WAIT_SECONDS)
            samples.append(worker.turns()[-1].ended - asked)
    worst = max(samples)
    return Outcome(
        name="B8a",
        timed="cancelled → engine free, the worst",
        value=worst,
        floor=STEP_SECONDS,
        peer=None,
        unit="s",
        goal=f"≤ {OF_STEP:g} × floor, which is a step",
        met=worst <= OF_STEP * STEP_SECONDS,
        samples={"ours": samples},
    )


def _killed(cloud: Cloud, folder: Path) -> Outcome:
    samples = []
    with project_of(cloud, "kill") as (project, recorder), ExitStack() as workers:
        living = workers.enter_context(_worker(project, folder, 1))
        for number in range(KILLS):
            path = project.submit(**REQUEST)
            first = recorder.wait_for(path, lambda it: bool(it.fraction), WAIT_SECONDS)
            other = workers.enter_context(_worker(project, folder, number + 2))
            killed = time.monotonic()
            living.process.kill()
            _wait_elsewhere(recorder, path, first)
            samples.append(time.monotonic() - killed)
            project.cancel(path)
            recorder.wait_for(path, lambda it: it.status.terminal, WAIT_SECONDS)
            living = other
    worst = max(samples)
    return Outcome(
        name="B8b",
        timed="kill -9 → running on another worker, the worst",
        value=worst,
        floor=LEASE_SECONDS,
        peer=None,
        unit="s",
        goal=f"≤ floor, which is a lease, + {LATER_SECONDS:g} s",
        met=worst <= LEASE_SECONDS + LATER_SECONDS,
        samples={"ours": samples},
    )


def _wait_elsewhere(recorder: Recorder, path: GenerationPath, first: State) -> None:
    def elsewhere(state: State) -> bool:
        return state.worker_id not in (None, first.worker_id)

    recorder.wait_for(path, elsewhere, WAIT_SECONDS)


@contextmanager
def _worker(project: Project, folder: Path, number: int) -> Iterator[TimedWorker]:
    own = {STEP_VARIABLE: f"{STEP_SECONDS:g}", "EMBERFRAME_LEASE_SECONDS": f"{LEASE_SECONDS:g}"}
    with running_worker(
        ["pull"],
        {**project.env(), **own},
        folder / f"worker-{number}",
        job_seconds=0.0,
        module="bench.stepping_worker",
    ) as worker:
        yield worker


if __name__ == "__main__":
    main(measure)
