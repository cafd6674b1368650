"""What is measured of one intake: lone jobs, and many that wait already."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from google.cloud import firestore

from bench.intakes.idling import Idling, Turn
from bench.intakes.worker import TimedWorker
from shared.paths import GenerationPath
from tests.chaos.project import Project
from tests.chaos.recorder import Recorder

REQUEST = {"prompt": "a red circle", "num_inference_steps": 1, "width": 512, "height": 512}
END_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Lane:
    project: Project
    recorder: Recorder
    worker: TimedWorker
    #: Hands accepted generations to the worker, as its intake has them come.
    deliver: Callable[[list[GenerationPath]], None]

    def accept(self) -> GenerationPath:
        """A document as the function leaves it, without its message."""
        path = self.project.new_path()
        self.project.database.document(str(path)).create(
            {"input": REQUEST, "status": "queued", "created_at": firestore.SERVER_TIMESTAMP}
        )
        return path

    def wait_for_end(self, path: GenerationPath) -> None:
        state = self.recorder.wait_for(path, lambda it: it.status.terminal, END_SECONDS)
        if state.status != "completed":
            raise RuntimeError(f"{path} ended as {state.status}")

    def overhead(self, rounds: int) -> float:
        """Seconds from delivery until a listener sees the end, less the engine's own: the median of
        `rounds` jobs, each on an idle worker."""
        taken = []
        for _ in range(rounds):
            path = self.accept()
            before = len(self.worker.turns())
            started = time.monotonic()
            self.deliver([path])
            self.wait_for_end(path)
            total = time.monotonic() - started
            (turn,) = self.worker.turns()[before:]
            taken.append(total - (turn.ended - turn.began))
        return statistics.median(taken)

    def idling(self, jobs: int) -> Idling:
        """Of the engine while `jobs` that are all there at once are worked off."""
        return Idling.of(self.burst(jobs))

    def burst(self, jobs: int) -> Sequence[Turn]:
        """The engine's turns with `jobs` that are all there at once, when they have ended."""
        before = len(self.worker.turns())
        paths = [self.accept() for _ in range(jobs)]
        self.deliver(paths)
        for path in paths:
            self.wait_for_end(path)
        return self.worker.turns()[before:]
