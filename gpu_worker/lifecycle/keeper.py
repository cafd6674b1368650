"""Keeps a lease alive while its job runs, and carries progress along: one thread a job.

Writes at most once a second, only when there is new progress or no write for a heartbeat's time.
When the lease is lost, or its trust window closes because no write gets through, the job stops.
"""

import threading
from types import TracebackType
from typing import Any, Self

from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.ports import EngineProgress
from shared.clock import Clock
from shared.lease import HEARTBEAT_SECONDS
from shared.ports import Unavailable

#: Firestore sustains about one write a second to one document.
MIN_WRITE_INTERVAL_SECONDS = 1.0
CLOSED = object()


class LeaseKeeper:
    """A context manager; `report` is its only other door."""

    def __init__(
        self,
        leased: LeasedDocument,
        control: JobControl,
        clock: Clock,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        write_interval_seconds: float = MIN_WRITE_INTERVAL_SECONDS,
    ) -> None:
        self._leased = leased
        self._control = control
        self._clock = clock
        self._heartbeat = heartbeat_seconds
        self._write_interval = write_interval_seconds
        # The first progress is written at once: it tells the phone that somebody is at it.
        self._wrote_at = clock.monotonic() - write_interval_seconds
        self._changed = threading.Condition()
        self._progress: dict[str, Any] | None = None
        self._fraction = 0.0
        self._closed = False
        self._thread = threading.Thread(
            target=self._keep, name=f"keeper {leased.path.generation_id}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        # Not joined: a write in flight ends by itself, and `LeasedDocument` ignores late ones.

    def report(self, progress: EngineProgress) -> None:
        """Take over new progress; returns at once. Called from the engine's reader thread."""
        if not self._leased.trusted():
            self._control.stop(StopReason.LEASE_LOST)
        with self._changed:
            fraction = progress.step / progress.total_steps if progress.total_steps else 0.0
            # A stage that counts anew must not make the bar on the phone jump back.
            self._fraction = max(self._fraction, min(1.0, fraction))
            self._progress = {
                "fraction": round(self._fraction, 4),
                "stage": progress.stage,
                "step": progress.step,
                "total_steps": progress.total_steps,
            }
            self._changed.notify()

    def _keep(self) -> None:
        while (progress := self._next()) is not CLOSED:
            try:
                self._leased.renew(**({"progress": progress} if progress else {}))
            except LeaseLost:
                self._control.stop(StopReason.LEASE_LOST)
                return
            except Unavailable:
                # Tried again after a pause; the trust window is what ends the patience.
                if not self._leased.trusted():
                    self._control.stop(StopReason.LEASE_LOST)
                    return
            self._wrote_at = self._clock.monotonic()

    def _next(self) -> Any:
        """Wait until a write is due; returns the progress to write, None, or CLOSED."""
        with self._changed:
            while not self._closed:
                interval = self._write_interval if self._progress else self._heartbeat
                left = self._wrote_at + interval - self._clock.monotonic()
                if left <= 0:
                    progress, self._progress = self._progress, None
                    return progress
                self._changed.wait(left)
            return CLOSED
