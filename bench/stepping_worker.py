"""`python -m bench.stepping_worker pull`: the real worker, its engine paced, step by step.

Everything but the engine is `python -m gpu_worker`. Each step takes as long as it is told; when a
turn ends, however it ends, the engine writes down when it began and ended.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.intakes.timed_worker import TIMES_VARIABLE
from gpu_worker import __main__ as worker
from gpu_worker import running
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames

STEP_VARIABLE = "EMBERFRAME_BENCH_STEP_SECONDS"


class SteppingEngine(InMemoryEngine):
    """See the module."""

    def __init__(self, step_seconds: float, times: Path) -> None:
        super().__init__()
        self._step_seconds = step_seconds
        self._times = times

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        def paced(progress: EngineProgress) -> None:
            on_progress(progress)
            if progress.stage == "denoise":
                time.sleep(self._step_seconds)

        began = time.monotonic()
        try:
            return super().run(job, paced, on_frames)
        finally:
            with self._times.open("a") as times:
                times.write(f"{began} {time.monotonic()}\n")


def make_engine(_settings: Any) -> SteppingEngine:
    return SteppingEngine(float(os.environ[STEP_VARIABLE]), Path(os.environ[TIMES_VARIABLE]))


if __name__ == "__main__":
    with patch.object(running, "make_engine", make_engine):
        sys.exit(worker.main())
