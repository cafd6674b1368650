"""Why a running job should stop: the first reason given wins, and the engine is told once."""

import threading
from collections.abc import Callable
from enum import StrEnum


class StopReason(StrEnum):
    #: The person with the phone changed their mind.
    CANCELLED = "cancelled"
    #: Another worker may be at it; write nothing more.
    LEASE_LOST = "lease_lost"
    #: This worker has to go; somebody else will do it.
    SHUTDOWN = "shutdown"


class Stopped(BaseException):
    """Ends a job wherever it is; derives from BaseException so that no handler swallows it."""


class JobControl:
    """Thread-safe. `stop_engine` is called at most once, outside the lock."""

    def __init__(self, stop_engine: Callable[[], None]) -> None:
        self._stop_engine = stop_engine
        self._lock = threading.Lock()
        self._reason: StopReason | None = None

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def stop(self, reason: StopReason) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
        self._stop_engine()

    def check(self) -> None:
        """Raise `Stopped` if a reason was given: called between stages."""
        if self._reason is not None:
            raise Stopped(self._reason)
