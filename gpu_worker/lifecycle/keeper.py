"""Keeps a lease alive while its job runs, and carries progress along: one thread a job.

Writes at most once a second, only when there is new progress or no renewal for a heartbeat's time.
A write of progress that comes up to a second before a heartbeat is due is that heartbeat too; the
others leave the lease's end, and so its index, alone. When the lease is lost, or its trust window
closes because no write gets through, the job stops.
"""

import logging
import threading
from typing import Any, Self

from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.media.preview_file import make_preview
from gpu_worker.ports import EngineProgress, Pixels
from shared.clock import Clock
from shared.crash_points import CrashPoint, crash_point
from shared.json_log import trace_of
from shared.lease import HEARTBEAT_SECONDS
from shared.ports import Unavailable

log = logging.getLogger(__name__)

#: Firestore sustains about one write a second to one document.
MIN_WRITE_INTERVAL_SECONDS = 1.0
#: Before the first progress is written, which tells the phone that somebody is at it: the claim has
#: just said so too, and the end of a job that is over by then would have to wait for that write.
FIRST_WRITE_SECONDS = 0.2
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
        first_write_seconds: float = FIRST_WRITE_SECONDS,
        write_interval_seconds: float = MIN_WRITE_INTERVAL_SECONDS,
        engine_share: float = 1.0,
    ) -> None:
        """`engine_share`, 0 … 1: how far a job is when its engine is done."""
        self._leased = leased
        self._control = control
        self._clock = clock
        self._heartbeat = heartbeat_seconds
        self._write_interval = write_interval_seconds
        self._engine_share = engine_share
        #: When the last write was begun, whether it came through or not.
        self._wrote_at = clock.monotonic() + first_write_seconds - write_interval_seconds
        self._changed = threading.Condition()
        self._progress: dict[str, Any] | None = None
        self._fraction = 0.0
        self._steps = {"step": 0, "total_steps": 0}
        #: The newest one, and the file made of it.
        self._preview: Pixels | None = None
        self._preview_file: bytes | None = None
        self._failed = False
        self._closed = False
        self._thread = threading.Thread(
            target=self._keep, name=f"keeper {leased.path.generation_id}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        # Not joined: a write in flight ends by itself, and `LeasedDocument` ignores late ones.

    def report(self, progress: EngineProgress) -> None:
        """Take over new progress; returns at once. Called from the engine's reader thread."""
        crash_point(CrashPoint.STEP)
        if not self._leased.trusted():
            self._control.stop(StopReason.LEASE_LOST)
        self._control.insist()
        with self._changed:
            self._steps = {"step": progress.step, "total_steps": progress.total_steps}
            if progress.preview is not None:
                self._preview = progress.preview
            self._reached(progress.stage, progress.fraction * self._engine_share)

    def engine_done(self) -> None:
        """What is left is storing: the bar goes on to where the engine's share ends."""
        with self._changed:
            self._reached("store", self._engine_share)

    def _reached(self, stage: str, fraction: float) -> None:
        # A bar on a phone must not jump back, whatever an engine says.
        self._fraction = max(self._fraction, fraction)
        self._progress = {"fraction": round(self._fraction, 4), "stage": stage, **self._steps}
        self._changed.notify()

    def _keep(self) -> None:
        while (progress := self._next()) is not CLOSED:
            self._control.insist()
            self._wrote_at = self._clock.monotonic()
            try:
                fields = {"progress": self._with_preview(progress)} if progress else {}
                if not fields or self._renewal_is_due():
                    self._leased.renew(**fields)
                else:
                    self._leased.tell(**fields)
                self._failed = False
            except LeaseLost:
                self._control.stop(StopReason.LEASE_LOST)
                return
            except Unavailable as error:
                log.info("heartbeat of %s did not get through: %s", self._leased.path, error)
                self._again(progress)
            except Exception as error:  # noqa: BLE001 (logged without its text)
                # Even a refusal (a lost permission, say) may pass; the trust window bounds it.
                fields = trace_of(error)
                log.error("heartbeat of %s failed", self._leased.path, extra={"fields": fields})  # noqa: TRY400
                self._again(progress)

    def _renewal_is_due(self) -> bool:
        """Before progress could be written once more."""
        due = self._leased.renewed_at + self._heartbeat
        return self._wrote_at + self._write_interval >= due

    def _with_preview(self, progress: dict[str, Any]) -> dict[str, Any]:
        """A write replaces all of the progress, so it carries the last preview on."""
        with self._changed:
            preview, self._preview = self._preview, None
        if preview is not None:
            self._preview_file = make_preview(preview)
        if self._preview_file is None:
            return progress
        return {**progress, "preview": self._preview_file}

    def _again(self, progress: Any) -> None:
        """What could not be written is written next time, unless there is newer."""
        self._failed = True
        with self._changed:
            self._progress = self._progress or progress

    def _next(self) -> Any:
        """Wait until a write is due; returns the progress to write, None, or CLOSED.

        Due too when the trust window closes: the write then finds the lease lost.
        """
        with self._changed:
            while not self._closed:
                due = self._leased.renewed_at + self._heartbeat
                if self._progress is not None or self._failed:
                    due = self._wrote_at + self._write_interval
                left = min(due - self._clock.monotonic(), self._leased.trusted_seconds())
                if left <= 0:
                    progress, self._progress = self._progress, None
                    return progress
                self._changed.wait(left)
            return CLOSED
