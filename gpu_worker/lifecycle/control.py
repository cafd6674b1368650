"""Why a running job should stop: the first reason given wins, and the engine is told of it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from enum import StrEnum


class StopReason(StrEnum):
    #: The person with the phone changed their mind.
    CANCELLED = "cancelled"
    #: Another worker may be at it; write nothing more.
    LEASE_LOST = "lease_lost"
    #: This worker has to go; somebody else will do it.
    SHUTDOWN = "shutdown"
    #: This worker has no model any more; somebody else will do it.
    ENGINE_LOST = "engine_lost"


class Stopped(BaseException):
    """Ends a job wherever it is; derives from BaseException so that no handler swallows it."""


class JobControl:
    """Thread-safe. The engine is told outside the lock, and only while it has the job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        #: Done as soon as there is a reason: for those who wait for other futures too.
        self.stopping: Future[None] = Future()
        self._stop_engine: Callable[[], None] | None = None

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def stop(self, reason: StopReason) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
        self.stopping.set_result(None)
        self.insist()

    @contextmanager
    def in_engine(self, stop_engine: Callable[[], None]) -> Iterator[None]:
        """While inside, stopping calls `stop_engine`. Raises `Stopped` if a reason is there."""
        self._stop_engine = stop_engine
        try:
            # After the assignment: a reason given in between is either seen here or told there.
            self.check()
            yield
        finally:
            self._stop_engine = None

    def insist(self) -> None:
        """Tell the engine again: it ignores a stop that comes just before it knows the job."""
        stop_engine = self._stop_engine
        if self._reason is not None and stop_engine is not None:
            stop_engine()

    def check(self) -> None:
        """Raise `Stopped` if a reason was given: called between stages."""
        if self._reason is not None:
            raise Stopped(self._reason)
