"""Judges from what an engine process says whether it lives, whether it moves, whether its job is
overdue, and whether it stops when told. Pure but for its lock: whoever has a thread asks `look`
every LOOK_SECONDS.

Two signs are owed. Of life: a thread of the engine's says every second that it is there, also in
the middle of a long step; it cannot while the GIL is held, the process stopped or the machine out
of breath. Of progress, while a job runs: its main thread passes the places where it would stop
(`passes`), or says something; in a deadlock it does not, though the other thread goes on. Nothing
is owed while models are loaded, which has a bound of its own, nor while we do not listen, since
the engine may be waiting for us. Time in which this process itself stood still does not count.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: How often `look` is to be called; what lies beyond two of them was our own standstill.
LOOK_SECONDS = 0.5
#: A job that is told to stop does so at its next sign of progress, which may be so many times as
#: far away as the farthest of this job was: a film's decoding has other strides than its steps.
STOP_STRIDES = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineBounds:
    """Seconds after which an engine is given up, killed and replaced."""

    #: From the start of the process to `Ready`: SDXL is 7 GB to read, Wan 29.
    start_seconds: float = 900.0
    #: Without a sign of life. A GIL held for half a minute is bad, and passes.
    silent_seconds: float = 60.0
    #: Without a sign of progress. The longest step, a film's on a slow GPU, takes tens of seconds,
    #: and so does a first step that compiles.
    still_seconds: float = 300.0
    #: From when a job is told to stop (cancelled, lease lost, time limit) to its end: the longest
    #: stride, one evaluation of a film's transformer. STOP_STRIDES are granted where they are more.
    stop_seconds: float = 30.0
    #: From SIGKILL to the end of the process; a hanging GPU driver may never let it go.
    kill_seconds: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """The job has reached its time limit: tell it to stop. Said once a job."""

    job_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hung:
    """The process is to be killed; `why` is for the log."""

    why: str
    #: It gave no sign of progress, so what its job comes to is a crash; else it was at work.
    stuck: bool = True


@dataclass(kw_only=True, slots=True)
class _Job:
    #: None is never.
    ends_at: float | None
    told: bool = False
    #: Seconds that count, since it was told to stop.
    stopping: float = 0.0


class EngineWatchdog:
    """One life of an engine process. Thread-safe; holds its lock for no longer than a few lines."""

    def __init__(self, bounds: EngineBounds, *, now: float) -> None:
        """`now`, here and below: seconds of the monotonic clock."""
        self._bounds = bounds
        self._lock = threading.Lock()
        self._looked = now
        self._ready = False
        self._hearing = False
        self._heard = self._moved = False
        self._passes = 0
        #: Seconds that count, since the last sign of each kind.
        self._loading = self._silent = self._still = 0.0
        #: The longest time between two signs of progress of what is at hand.
        self._stride = 0.0
        #: At hand: one, or those of a batch.
        self._jobs: dict[str, _Job] = {}

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Around what is done with a message: the engine may be waiting for its end."""
        with self._lock:
            self._hearing = True
        try:
            yield
        finally:
            with self._lock:
                self._hearing, self._heard, self._moved = False, True, True

    def alive(self, passes: int) -> None:
        """A sign of life, with how often the main thread passed a place where it would stop."""
        with self._lock:
            self._heard = True
            self._moved |= passes != self._passes
            self._passes = passes

    def ready(self) -> None:
        """The models are loaded: signs of life are owed from now on."""
        with self._lock:
            self._ready, self._silent = True, 0.0

    def begin(self, job_id: str, limit_seconds: float | None, *, now: float) -> None:
        """A job is sent; None is no limit."""
        with self._lock:
            if not self._jobs:
                self._still = self._stride = 0.0
            ends_at = None if limit_seconds is None else now + limit_seconds
            self._jobs[job_id] = _Job(ends_at=ends_at)

    def told_to_stop(self, job_id: str) -> None:
        """The job was cancelled; of one that is not at hand, nothing."""
        with self._lock:
            if job_id in self._jobs:
                self._jobs[job_id].told = True

    def end(self, job_id: str) -> None:
        """The job was answered."""
        with self._lock:
            self._jobs.pop(job_id, None)

    def look(self, now: float) -> Overdue | Hung | None:
        """What to do now."""
        with self._lock:
            passed = min(now - self._looked, 2 * LOOK_SECONDS)
            self._looked = now
            bounds = self._bounds
            if not self._ready:
                self._loading += passed
                if self._loading > bounds.start_seconds:
                    return Hung(why=f"it did not get ready within {bounds.start_seconds:g} s")
                return None
            listened = not self._hearing
            if self._moved:
                self._stride = max(self._stride, self._still + passed)
            self._silent = self._silent + passed if listened and not self._heard else 0.0
            self._still = self._still + passed if listened and not self._moved else 0.0
            self._heard = self._moved = False
            if self._silent > bounds.silent_seconds:
                return Hung(why=f"it gave no sign of life for {bounds.silent_seconds:g} s")
            if self._jobs and self._still > bounds.still_seconds:
                return Hung(why=f"its job did not move for {bounds.still_seconds:g} s")
            for job_id, job in self._jobs.items():
                verdict = self._look_at_job(job_id, job, now, passed)
                # Who comes after it is looked at the next time.
                if verdict is not None:
                    return verdict
            return None

    def _look_at_job(
        self, job_id: str, job: _Job, now: float, passed: float
    ) -> Overdue | Hung | None:
        if job.told:
            job.stopping += 0.0 if self._hearing else passed
            granted = max(self._bounds.stop_seconds, STOP_STRIDES * self._stride)
            if job.stopping > granted:
                return Hung(
                    why=f"its job did not stop within {granted:g} s of being told to",
                    # A last sign may have been under way when it was told.
                    stuck=self._still > granted / 2,
                )
        elif job.ends_at is not None and now >= job.ends_at:
            job.told = True
            return Overdue(job_id=job_id)
        return None
