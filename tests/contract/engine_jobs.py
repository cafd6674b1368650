"""What suites of every `Engine` share: its kinds, a ready one, listeners that hold it or cancel."""

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import PICTURE_TASKS
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import Engine, EngineProgress
from tests.unit.engine.jobs import PATIENCE_SECONDS

#: The step under way when the cancellation comes, and one for its way to the process.
STEPS_AFTER_A_CANCEL = 2
MANY_STEPS = 150
KINDS: dict[str, Callable[[], Engine]] = {
    "process": lambda: EngineProcess("shapes"),
    "in memory": lambda: InMemoryEngine(tasks=PICTURE_TASKS),
}

#: Progress, or a film's frames.
Heard = TypeVar("Heard")


def ready(engine: Engine) -> Iterator[Engine]:
    """For a fixture: the engine with its model loaded, closed in the end."""
    engine.start()
    engine.wait_ready(PATIENCE_SECONDS)
    yield engine
    engine.close()


class Gate(Generic[Heard]):
    """A listener that says when it first hears of the job, and holds it until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.heard: list[Heard] = []

    def __call__(self, heard: Heard) -> None:
        self.heard.append(heard)
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)


class CancelAtThree:
    """A listener of progress that cancels the job at its third step."""

    def __init__(self, engine: Engine, job_id: str) -> None:
        self._engine = engine
        self._job_id = job_id
        self.steps: list[int] = []

    def __call__(self, progress: EngineProgress) -> None:
        self.steps.append(progress.step)
        if progress.step == 3:
            self._engine.cancel(self._job_id)
