"""`python -m bench.intakes.timed_worker pull|push|runpod`: the real worker, its engine a stopwatch.

Everything but the engine is `python -m gpu_worker`. The engine sleeps as long as it is told for
each job and writes down when it began and ended, on the machine's monotonic clock. Its pictures are
of one colour, or where a side is set what `bench.pictures` makes.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.pictures import photo
from gpu_worker import __main__ as worker
from gpu_worker import running
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames

#: How long the engine is at work on a job.
JOB_VARIABLE = "EMBERFRAME_BENCH_JOB_SECONDS"
#: Of its pictures, in pixels.
SIDE_VARIABLE = "EMBERFRAME_BENCH_SIDE"
#: The file that a line `begin end` is added to for each job, in seconds.
TIMES_VARIABLE = "EMBERFRAME_BENCH_TIMES"


class StopwatchEngine(InMemoryEngine):
    def __init__(self, job_seconds: float, times: Path, side: int | None) -> None:
        super().__init__()
        self._job_seconds = job_seconds
        self._times = times
        self._pixels = None if side is None else photo(side)

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        """Sleeps in the middle of its turn, so that what it takes besides counts as idle."""
        worked = False

        def timed(progress: EngineProgress) -> None:
            nonlocal worked
            if progress.stage == "denoise" and not worked:
                worked = True
                began = time.monotonic()
                time.sleep(self._job_seconds)
                ended = time.monotonic()
                with self._times.open("a") as times:
                    times.write(f"{began} {ended}\n")
            on_progress(progress)

        result = super().run(job, timed, on_frames)
        if self._pixels is None:
            return result
        pictures = tuple(replace(it, pixels=self._pixels) for it in result.pictures)
        return replace(result, pictures=pictures)


def make_engine(_settings: Any) -> StopwatchEngine:
    side = os.environ.get(SIDE_VARIABLE)
    return StopwatchEngine(
        float(os.environ[JOB_VARIABLE]),
        Path(os.environ[TIMES_VARIABLE]),
        int(side) if side else None,
    )


if __name__ == "__main__":
    # What a worker has as its engine.
    with patch.object(running, "make_engine", make_engine):
        sys.exit(worker.main())
