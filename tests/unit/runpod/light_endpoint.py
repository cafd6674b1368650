"""`python -m tests.unit.runpod.light_endpoint runpod`: the real worker and the real library over
an engine that only plays; what it plays stands in the prompt.

"slow": SLOW_STEP_SECONDS a step. "lose": the engine is lost for good at its second step. With
LOAD_VARIABLE set to `fail` the model cannot be loaded, with `never` it never is.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from gpu_worker import __main__ as worker
from gpu_worker import running
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import EngineInfo, EngineJob, EngineProgress, EngineResult, Frames, no_frames
from shared.errors import ErrorCode, GenerationError

LOAD_VARIABLE = "EMBERFRAME_TEST_LOAD"
LOAD_FAULT = "The model's files are damaged."
LOSS = "the model's files are gone"
SLOW_STEP_SECONDS = 0.1


class PlayedEngine(InMemoryEngine):
    """See the module."""

    def __init__(self) -> None:
        self._load = os.environ.get(LOAD_VARIABLE)
        fault = GenerationError(ErrorCode.INTERNAL, LOAD_FAULT)
        super().__init__(load_error=fault if self._load == "fail" else None)
        self._gone = threading.Event()

    def wait_ready(self, timeout_seconds: float) -> EngineInfo:
        if self._load == "never" and self._gone.wait(timeout_seconds):
            raise GenerationError(ErrorCode.INTERNAL, "The engine is closed.")
        return super().wait_ready(timeout_seconds)

    def close(self) -> None:
        self._gone.set()
        super().close()

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        def play(progress: EngineProgress) -> None:
            prompt = job.request.prompt or ""
            if progress.stage == "denoise" and "slow" in prompt:
                time.sleep(SLOW_STEP_SECONDS)
            if progress.step == 2 and "lose" in prompt:
                self.lose(LOSS)
            on_progress(progress)

        return super().run(job, play, on_frames)


def make_engine(_settings: Any) -> PlayedEngine:
    return PlayedEngine()


if __name__ == "__main__":
    with patch.object(running, "make_engine", make_engine):
        sys.exit(worker.main())
