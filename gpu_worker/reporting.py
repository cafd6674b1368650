"""How this worker is, put together for `Presence` from the parts that know."""

import resource
from collections.abc import Sequence
from datetime import datetime

from gpu_worker.health import Health, HealthFile
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.lifecycle.wiring import Wiring
from shared.kinds import Kind
from shared.presence import WorkerReport, WorkerState
from shared.version import VERSION

#: Linux counts in them.
KIBIBYTE = 1024


def report_of(
    wiring: Wiring,
    runner: GenerationRunner,
    health: HealthFile,
    *,
    kinds: Sequence[Kind],
    intake: str,
    since: datetime,
) -> WorkerReport:
    """`kinds` is what it has models for, `intake` the way by which its jobs come; `since`, when it
    was started."""
    # Only read: a look must not start an engine that was lost in this moment.
    info, done, jobs = wiring.engine.info, wiring.tally.done(), runner.in_hand
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
    return WorkerReport(
        state=_state(health.state, busy=bool(jobs)),
        kinds=kinds,
        intake=intake,
        version=VERSION,
        started_at=since,
        device=info.device_name if info else "",
        models=info.models if info else (),
        memory={**(info.memory if info else {}), "supervisor_peak": peak},
        jobs=tuple(str(path) for path in jobs),
        jobs_done=done.jobs,
        seconds_per_job=done.seconds,
    )


def _state(health: Health, *, busy: bool) -> WorkerState:
    if health is Health.READY and busy:
        return WorkerState.BUSY
    return WorkerState(health.value)
