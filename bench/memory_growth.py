"""`python -m bench.memory_growth`: memory of supervisor and engine over 500 jobs of a real worker.

The embedded model at one step, pictures of 64 × 64, on emulators. Resident memory is read after
every 20 jobs; growth is the least-squares line through what follows the warm-up, in MiB per 100
jobs, with its standard error; peaks are the kernel's. Nobody listens to the documents, they are
looked up: the library's listener takes a time for each change that grows with what it listens to.
Bound: two minutes, nearly all of it the engine's.
"""

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.outcome import Outcome
from bench.quiet import quiet_clients
from bench.reporting import main
from bench.stands import END_SECONDS, accept
from shared.status import Status
from tests.chaos.emulators import running_cloud
from tests.chaos.fleet import REAL, WorkerProcess
from tests.chaos.project import Project

JOBS, BATCH, WARM_UP_JOBS = 500, 20, 100
SIDE = 64
#: Between two looks at who is done.
LOOK_SECONDS = 0.2
MEBIBYTE = 2**20
#: MiB per 100 jobs: a picture every ten seconds would take 43 MiB a day.
GOAL_SLOPE = 0.5
ERRORS = 2.0
HUNDRED = 100


@dataclass(frozen=True)
class Line:
    """MiB per 100 jobs, and the standard error of that."""

    slope: float
    error: float

    @classmethod
    def through(cls, jobs: Sequence[float], mebibytes: Sequence[float]) -> "Line":
        """At least three points."""
        x, y = np.asarray(jobs) / HUNDRED, np.asarray(mebibytes)
        spread = float(((x - x.mean()) ** 2).sum())
        slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
        left = y - y.mean() - slope * (x - x.mean())
        return cls(slope, math.sqrt(float((left**2).sum()) / (len(x) - 2) / spread))

    @property
    def grows(self) -> bool:
        """More than it may, and more than chance would have it."""
        return self.slope > GOAL_SLOPE and self.slope > ERRORS * self.error


def measure() -> Sequence[Outcome]:
    quiet_clients()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_cloud(Path(folder)) as cloud,
        closing(Project(cloud, "demo-bench-memory")) as project,
        _worker(project.env(), Path(folder)) as worker,
    ):
        processes = {"supervisor": psutil.Process(worker.pid), "engine": worker.engine()}
        seen: dict[str, list[float]] = {name: [] for name in processes}
        counts = list(range(BATCH, JOBS + 1, BATCH))
        for _ in counts:
            _serve(project, BATCH)
            for name, process in processes.items():
                seen[name].append(process.memory_info().rss / MEBIBYTE)
        peaks = {name: _peak(process.pid) for name, process in processes.items()}
    first = sum(count < WARM_UP_JOBS for count in counts)
    outcomes = []
    for letter, (name, values) in zip("ab", seen.items(), strict=True):
        line = Line.through(counts[first:], values[first:])
        half = len(counts) // 2
        later = Line.through(counts[half:], values[half:])
        outcomes.append(
            Outcome(
                name=f"M{letter}",
                timed=f"memory of the {name} over {JOBS} jobs, growth per 100",
                value=line.slope,
                floor=None,
                peer=None,
                unit="MiB",
                goal=f"≤ {GOAL_SLOPE:g} MiB, or within {ERRORS:g} standard errors of 0",
                met=not line.grows,
                samples={"ours": values},
                more={
                    "standard_error": line.error,
                    "in the second half": later.slope,
                    "peak": peaks[name],
                },
            )
        )
    return outcomes


def _serve(project: Project, jobs: int) -> None:
    """So many at once, until the last is completed. Raises `TimeoutError`."""
    paths = [accept(project, side=SIDE) for _ in range(jobs)]
    project.publish(paths)
    left = {str(it) for it in paths}
    deadline = time.monotonic() + END_SECONDS
    while left:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(left)} of {jobs} are not done after {END_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
        references = [project.database.document(it) for it in left]
        for found in project.database.get_all(references, field_paths=["status"]):
            status = found.get("status")
            if status == Status.COMPLETED:
                left.discard(found.reference.path)
            elif Status(status).terminal:
                raise RuntimeError(f"{found.reference.path} ended as {status}")


def _peak(pid: int) -> float:
    """MiB that were resident at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MEBIBYTE
    raise LookupError(f"the kernel tells no peak of process {pid}")


@contextmanager
def _worker(env: dict[str, str], folder: Path) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(REAL, env, folder, 0)
    try:
        worker.wait_until_ready()
        yield worker
    finally:
        worker.kill_all()


if __name__ == "__main__":
    main(measure)
