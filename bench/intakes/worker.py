"""A timed worker as a process of its own, and what its engine wrote down."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.groups import running_group
from bench.intakes.idling import Turn, read_turns
from bench.intakes.timed_worker import JOB_VARIABLE, TIMES_VARIABLE
from tools.stack.waiting import wait_until

START_SECONDS = 120.0
STOP_SECONDS = 20.0
TAIL_CHARACTERS = 4000


@dataclass(frozen=True)
class TimedWorker:
    process: "subprocess.Popen[bytes]"
    times: Path
    log: Path

    def turns(self) -> Sequence[Turn]:
        """Of the jobs that the engine has worked on so far, in order."""
        return read_turns(self.times)

    def assert_running(self) -> None:
        """Raises `ChildProcessError` with the end of its log."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-TAIL_CHARACTERS:]
            raise ChildProcessError(f"the worker ended with {self.process.returncode}: {tail}")


@contextmanager
def running_worker(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    *,
    job_seconds: float,
    has_health: bool = True,
    module: str = "bench.intakes.timed_worker",
) -> Iterator[TimedWorker]:
    """`arguments` are those of `python -m gpu_worker`. Ready on entry where it tells its health."""
    folder.mkdir(parents=True, exist_ok=True)
    health, times, log = folder / "health", folder / "times", folder / "worker.log"
    for stale in (health, times):
        stale.unlink(missing_ok=True)
    variables = {
        **env,
        "EMBERFRAME_HEALTH_FILE": str(health),
        JOB_VARIABLE: f"{job_seconds:g}",
        TIMES_VARIABLE: str(times),
    }
    with (
        log.open("wb") as out,
        running_group(
            [sys.executable, "-m", module, *arguments],
            env=variables,
            stdout=out,
            stderr=subprocess.STDOUT,
            grace_seconds=STOP_SECONDS,
        ) as process,
    ):
        worker = TimedWorker(process, times, log)

        def ready() -> bool:
            with suppress(FileNotFoundError):
                return bool(json.loads(health.read_text())["state"] == "ready")
            return False

        deadline = time.monotonic() + START_SECONDS
        if has_health and not wait_until(ready, deadline=deadline, check=worker.assert_running):
            raise TimeoutError(f"the worker is not ready after {START_SECONDS:g} s")
        yield worker
