"""What suites of every `Engine` share: its kinds, a ready one, listeners that hold it or cancel."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Generic, TypeVar

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import PICTURE_TASKS
from gpu_worker.in_memory_engine import InMemoryEngine
from gpu_worker.ports import Engine, EngineJob, EngineProgress, EngineResult
from tests.unit.engine.jobs import PATIENCE_SECONDS, make_job

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


@contextmanager
def kept_busy(engine: EngineProcess | InMemoryEngine) -> Iterator[Callable[[int], None]]:
    """Within it the engine is at work and who comes waits; it yields what blocks until so many do.

    At its end the engine is free.
    """
    gate = Gate[EngineProgress]()

    def until_waiting(count: int) -> None:
        with engine._changed:
            assert engine._changed.wait_for(
                lambda: len(engine._line) == 1 + count, PATIENCE_SECONDS
            )

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(engine.run, make_job(num_inference_steps=1), gate)
        assert gate.reached.wait(PATIENCE_SECONDS)
        try:
            yield until_waiting
        finally:
            gate.opened.set()
        first.result(PATIENCE_SECONDS)


@contextmanager
def all_waiting(
    engine: EngineProcess | InMemoryEngine,
    jobs: Sequence[EngineJob],
    listen: Callable[[EngineJob, EngineProgress], None] = lambda _, __: None,
) -> Iterator[list[Future[EngineResult]]]:
    """Within it `jobs` run that all waited in line, in their order, when the engine got free."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        runs = []
        with kept_busy(engine) as until_waiting:
            for job in jobs:
                runs.append(threads.submit(engine.run, job, partial(listen, job)))
                until_waiting(len(runs))
        yield runs
