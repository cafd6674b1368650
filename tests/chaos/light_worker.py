"""`python -m tests.chaos.light_worker pull`: the real worker with an engine that only plays.

For scenarios in which hundreds of jobs or dozens of workers matter and pictures do not. Everything
but the engine is `python -m gpu_worker`: settings, adapters, lifecycle, signals.
"""

import faulthandler
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from gpu_worker import __main__ as worker
from gpu_worker import running
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames

#: How long a denoising step takes.
STEP_VARIABLE = "EMBERFRAME_CHAOS_STEP_SECONDS"
#: libfaketime's own: the file that says how far off the wall clock is.
CLOCK_VARIABLE = "FAKETIME_TIMESTAMP_FILE"


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


def sleep_under_a_false_clock(seconds: float) -> None:
    """In `time.sleep`'s place: that asks for an absolute moment of the monotonic clock, which
    libfaketime (0.9.10) mistakes for one of the wall clock and refuses."""
    select.select([], [], [], seconds)


if __name__ == "__main__":
    # Where all threads are, into the log, when the harness asks a worker that does not leave.
    faulthandler.register(signal.SIGUSR1)
    with ExitStack() as seams:
        if CLOCK_VARIABLE in os.environ:
            seams.enter_context(patch.object(time, "sleep", sleep_under_a_false_clock))
        # What a worker has as its engine.
        seams.enter_context(patch.object(running, "make_engine", make_engine))
        sys.exit(worker.main())
