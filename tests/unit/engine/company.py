"""Jobs drawn together on a model in this process, and how far two pictures are apart."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from gpu_worker.engine.model import Model
from gpu_worker.engine.seat import Fault, Outcome, Seat
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, JobCancelled, Pixels

#: Of the values of a picture (0 … 255) that is drawn in a batch rather than alone, on a CPU in
#: fp32: the most that one is off, and all of them in the mean.
MOST_OFF = 1
MEAN_OFF = 0.001


class Company:
    """Draws `jobs` together; what each heard and how it ended."""

    def __init__(self, *jobs: EngineJob) -> None:
        self._jobs = jobs
        self.heard: dict[str, list[EngineProgress]] = {job.job_id: [] for job in jobs}
        self.outcomes: dict[str, Outcome] = {}
        #: Called with a job's id and its progress.
        self.on_progress: Callable[[str, EngineProgress], None] = lambda _, __: None
        #: The stage and the step at which a job is not wanted any more.
        self.cancel_at: Mapping[str, tuple[str, int]] = {}

    def draw(self, model: Model) -> "Company":
        model.draw_together(
            [
                Seat(
                    job=job,
                    report=partial(self._report, job.job_id),
                    stop_if_asked=partial(self._stop_if_asked, job.job_id),
                    answer=partial(self._answer, job.job_id),
                )
                for job in self._jobs
            ]
        )
        return self

    def result(self, job: EngineJob) -> EngineResult:
        outcome = self.outcomes[job.job_id]
        assert isinstance(outcome, EngineResult), outcome
        return outcome

    def fault(self, job: EngineJob) -> Fault:
        outcome = self.outcomes[job.job_id]
        assert isinstance(outcome, Fault), outcome
        return outcome

    def _report(self, job_id: str, progress: EngineProgress) -> None:
        self.heard[job_id].append(progress)
        self.on_progress(job_id, progress)

    def _stop_if_asked(self, job_id: str) -> None:
        heard = self.heard[job_id][-1]
        if (heard.stage, heard.step) == self.cancel_at.get(job_id):
            raise JobCancelled

    def _answer(self, job_id: str, outcome: Outcome) -> None:
        assert job_id not in self.outcomes, f"{job_id} was answered twice"
        self.outcomes[job_id] = outcome


def off(one: Pixels, other: Pixels) -> tuple[int, float]:
    """The most that a value differs, and the mean over all."""
    apart = np.abs(one.astype(int) - other.astype(int))
    return int(apart.max()), float(apart.mean())


def assert_same(ones: Sequence[Pixels], others: Sequence[Pixels]) -> None:
    """The same pictures but for the rounding of another batch."""
    for one, other in zip(ones, others, strict=True):
        most, mean = off(one, other)
        assert most <= MOST_OFF
        assert mean <= MEAN_OFF
