"""What a worker says of itself in the database: the document `system/workers/live/{worker_id}`.

For an operator's eyes in the console and for the queue's estimates. Nothing relies on it: who works
on what is the generation's lease alone. A worker that died stays as it was last seen until its
`expire_at`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.kinds import Kind
from shared.ports import SERVER_TIME, Changes
from shared.queueing import read_seconds

#: Between two words of a worker that has nothing new to say.
REPORT_SECONDS = 30.0
#: Two of them may be lost.
ALIVE_SECONDS = 100.0
#: How long what it did counts for the estimate of a job's seconds.
SPEED_SECONDS = 3600.0
#: Firestore removes the document of a worker that long gone.
KEPT = timedelta(days=1)


class WorkerState(StrEnum):
    #: It loads its model.
    STARTING = "starting"
    #: It waits for work.
    READY = "ready"
    #: It has work in hand.
    BUSY = "busy"
    #: It takes nothing more and is about to end.
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerReport:
    state: WorkerState
    #: What it can take.
    kinds: Sequence[Kind]
    #: `pull`, `push`.
    intake: str
    #: Of the program.
    version: str
    started_at: datetime
    #: As its maker calls it; empty before the model is loaded.
    device: str = ""
    models: Sequence[str] = ()
    #: Bytes, by what they are: the engine's when it was loaded, the supervisor's peak. No news.
    memory: Mapping[str, int] = field(default_factory=dict[str, int], compare=False)
    #: Paths of the generations in hand.
    jobs: Sequence[str] = ()
    #: Completed since its start, by kind.
    jobs_done: Mapping[Kind, int] = field(default_factory=dict[Kind, int])
    #: Of the engine, a moving mean, by kind; of those that it has done any of.
    seconds_per_job: Mapping[Kind, float] = field(default_factory=dict[Kind, float])

    def to_document(self, now: datetime) -> Changes:
        """`now` is the worker's own clock's, and only good for `expire_at`."""
        return {
            "state": self.state.value,
            "kinds": [kind.value for kind in self.kinds],
            "intake": self.intake,
            "version": self.version,
            "started_at": self.started_at,
            "device": self.device,
            "models": list(self.models),
            "memory": dict(self.memory),
            "jobs": list(self.jobs),
            "jobs_done": {kind.value: count for kind, count in self.jobs_done.items()},
            "seconds_per_job": {
                kind.value: round(seconds, 3) for kind, seconds in self.seconds_per_job.items()
            },
            "updated_at": SERVER_TIME,
            "expire_at": now + KEPT,
        }


def load_of(
    kind: Kind, reports: Sequence[Mapping[str, Any]], *, alive_since: datetime
) -> tuple[int, float | None]:
    """How many workers of the `kind` are alive, and the mean seconds of a job of theirs, of all
    `reports`: each counts as much. Reports are documents, read leniently."""
    alive, seconds = 0, []
    for report in reports:
        kinds, updated_at = report.get("kinds"), report.get("updated_at")
        if not isinstance(kinds, list) or kind.value not in kinds:
            continue
        lives = isinstance(updated_at, datetime) and updated_at >= alive_since
        alive += lives and report.get("state") in (WorkerState.READY, WorkerState.BUSY)
        told = report.get("seconds_per_job")
        known = read_seconds(told.get(kind.value)) if isinstance(told, Mapping) else None
        if known is not None:
            seconds.append(known)
    return alive, sum(seconds) / len(seconds) if seconds else None
