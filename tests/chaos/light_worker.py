"""`python -m tests.chaos.light_worker pull`: the real worker with an engine that only plays.

For scenarios in which hundreds of jobs or dozens of workers matter and pictures do not. Everything
but the engine is `python -m gpu_worker`: settings, adapters, lifecycle, signals.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from gpu_worker import __main__ as worker
from gpu_worker import pull
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames

#: How long a denoising step takes.
STEP_VARIABLE = "EMBERFRAME_CHAOS_STEP_SECONDS"


class PacedEngine(InMemoryEngine):
    """Takes its time, so that there is a middle of a job to break something in."""

    def __init__(self, step_seconds: float) -> None:
        super().__init__()
        self._step_seconds = step_seconds

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        def paced(progress: EngineProgress) -> None:
            if progress.stage == "denoise":
                time.sleep(self._step_seconds)
            on_progress(progress)

        return super().run(job, paced, on_frames)


def make_engine(_settings: Any) -> PacedEngine:
    return PacedEngine(float(os.environ.get(STEP_VARIABLE, "0")))


if __name__ == "__main__":
    # The one seam: what `pull` wires as its engine.
    pull.make_engine = make_engine  # type: ignore[assignment]
    sys.exit(worker.main())
