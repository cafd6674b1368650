"""One job's place in a batch, as the model sees it: what to draw, whom to tell, how it may end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, JobCancelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why a job has no result."""

    error: Exception | JobCancelled
    #: True when the fault may be another's of the batch: alone the job may well succeed.
    in_company: bool = False


Outcome: TypeAlias = EngineResult | Fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    job: EngineJob
    report: Callable[[EngineProgress], None]
    #: Raises `JobCancelled` when the job is no longer wanted.
    stop_if_asked: Callable[[], None]
    #: Called exactly once, as soon as the outcome is known.
    answer: Callable[[Outcome], None]
