"""Jobs from the link to the model and their outcomes back: one alone, or several in one batch."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from gpu_worker.engine import faults
from gpu_worker.engine.link import SupervisorLink
from gpu_worker.engine.seat import Fault, Outcome, Seat
from gpu_worker.ports import EngineJob, JobCancelled
from shared.crash_points import CrashPoint, crash_point
from shared.errors import GenerationError

LOG = logging.getLogger(__name__)


def answer(link: SupervisorLink, model: Any, jobs: Sequence[EngineJob]) -> bool:
    """True while the model (a `Model`) can take more jobs. Each of `jobs` is answered."""
    crash_point(CrashPoint.IN_ENGINE_JOB)
    if len(jobs) > 1:
        return _answer_together(link, model, jobs)
    (job,) = jobs
    try:
        result = model.generate(
            job,
            partial(link.report_progress, job.job_id),
            partial(link.stop_if_asked, job.job_id),
            partial(link.send_frames, job.job_id),
        )
    except (JobCancelled, Exception) as error:  # noqa: BLE001 - the boundary: a job's fault must not end the engine
        _answer_one(link, job, Fault(error=error))
        return isinstance(error, JobCancelled) or bool(model.recover())
    _answer_one(link, job, result)
    return True


def _answer_together(link: SupervisorLink, model: Any, jobs: Sequence[EngineJob]) -> bool:
    failed: list[str] = []

    def take(job: EngineJob, outcome: Outcome) -> None:
        if isinstance(outcome, Fault) and not isinstance(outcome.error, JobCancelled):
            failed.append(job.job_id)
        _answer_one(link, job, outcome)

    model.draw_together(
        [
            Seat(
                job=job,
                report=partial(link.report_progress, job.job_id),
                stop_if_asked=partial(link.stop_if_asked, job.job_id),
                answer=partial(take, job),
            )
            for job in jobs
        ]
    )
    return not failed or bool(model.recover())


def _answer_one(link: SupervisorLink, job: EngineJob, outcome: Outcome) -> None:
    if not isinstance(outcome, Fault):
        link.answer_done(job.job_id, outcome)
        return
    error = outcome.error
    if isinstance(error, JobCancelled):
        link.answer_stopped(job.job_id)
        return
    if not isinstance(error, GenerationError):
        LOG.error("job %s: %s", job.job_id, faults.describe_for_log(error, job.request))
    link.answer_failed(
        job.job_id,
        faults.to_generation_error(error, job.request),
        in_company=outcome.in_company,
    )
    # The frames that the exception holds on to hold the tensors that did not fit.
    error.__traceback__ = None
