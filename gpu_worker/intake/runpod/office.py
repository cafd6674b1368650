"""The jobs in hand: each from its raw input to its answer, on a thread; stopped one by one or all.

Never raises for a fault of one job, and what goes wrong is never told with a trace or a prompt.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpu_worker.intake.runpod.answer import (
    INTERNAL,
    Answer,
    answer_of,
    bounded,
    lost_engine,
    refusal,
)
from gpu_worker.intake.runpod.asked import Asked, read_job
from gpu_worker.intake.runpod.cloud import cloud_journey
from gpu_worker.intake.runpod.inline import inline_journey
from gpu_worker.intake.runpod.journey import Deleted, Journey, OnProgress
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import EngineUnavailable
from shared.errors import ErrorCode, GenerationError
from shared.json_log import trace_of
from shared.ports import Unavailable

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Job:
    """One job in hand."""

    id: object
    raw: object
    on_progress: OnProgress
    journey: Journey | None = field(default=None, init=False)
    stopped: bool = field(default=False, init=False)


class Office:
    """Thread-safe. `Drainable` is what the worker's service knows it as."""

    def __init__(self, alone: Wiring, cloud: Wiring | None, *, max_bytes: int) -> None:
        """`alone` makes what needs no cloud storage, `cloud` the rest, where there is one.
        `max_bytes` bounds what a job may bring and what its answer may be, as JSON."""
        self._alone = alone
        self._cloud = cloud
        self._runner = GenerationRunner(cloud) if cloud is not None else None
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._jobs: set[Job] = set()
        self._draining = False

    @property
    def idle(self) -> bool:
        with self._lock:
            return not self._jobs

    def drain(self) -> None:
        """Take nothing more; what runs is given back at its next step."""
        with self._lock:
            self._draining = True
            journeys = [job.journey for job in self._jobs if job.journey is not None]
        # Asked now: the service closes the engine only after this.
        lost = not self._alone.engine.ready
        for journey in journeys:
            journey.give_back(engine_lost=lost)

    def run(self, job: Job) -> Answer | None:
        """Blocks until the job has an answer; None when it is to have none from this worker."""
        with self._lock:
            if self._draining or job.stopped:
                return None
            self._jobs.add(job)
        try:
            return self._answer(job)
        finally:
            with self._lock:
                self._jobs.remove(job)

    def stop(self, job: Job) -> None:
        """Nobody wants it any more."""
        with self._lock:
            job.stopped = True
            journey = job.journey
        if journey is not None:
            journey.stop()

    def _answer(self, job: Job) -> Answer | None:
        fields: dict[str, Any] = {"job": str(job.id)}
        try:
            return self._make(job)
        except EngineUnavailable:
            answer = lost_engine()
        except Deleted as deleted:
            answer = {"error": str(deleted)}
        except GenerationError as error:
            log.info("refused", extra={"fields": {**fields, "code": error.code.value}})
            answer = refusal(error)
        except Unavailable as error:
            log.warning("a service is away: %s", error, extra={"fields": fields})
            away = "The database did not answer in time."
            answer = refusal(GenerationError(ErrorCode.SERVICE_UNAVAILABLE, away))
        except Exception as error:  # noqa: BLE001 (logged without its text, which may quote a prompt)
            fields |= trace_of(error)
            log.error("the job failed unexpectedly", extra={"fields": fields})  # noqa: TRY400
            answer = refusal(GenerationError(ErrorCode.INTERNAL, INTERNAL))
        return answer

    def _make(self, job: Job) -> Answer | None:
        asked = read_job(
            job.id,
            job.raw,
            admission=self._alone.admission,
            has_cloud=self._cloud is not None,
            max_bytes=self._max_bytes,
        )
        data = self._travel(job, asked)
        if data is None:
            return None
        file_uid = asked.path.generation_id if asked.in_cloud else None
        return bounded(answer_of(data, file_uid=file_uid), self._max_bytes)

    def _travel(self, job: Job, asked: Asked) -> Mapping[str, Any] | None:
        if asked.in_cloud and self._cloud is not None and self._runner is not None:
            journey = cloud_journey(self._cloud, self._runner, asked, job.on_progress)
        else:
            journey = inline_journey(self._alone, asked, job.on_progress)
        with self._lock:
            job.journey = journey
            stopped, draining = job.stopped, self._draining
        # What was said before there was a journey to say it to.
        if stopped:
            journey.stop()
        if draining:
            journey.give_back(engine_lost=False)
        return journey.run()
