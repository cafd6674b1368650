"""Follows one generation to its end through the lifecycle, whichever worker makes it.

Again and again: have the runner do what the document wants done, look whether it has ended, and
wait, for a change of its status or until the runner said to look again. Waiting for another worker
ends after `patience_seconds`.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Protocol

from gpu_worker.intake.runpod.answer import DELETED, ended
from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.handled import Handled, Later
from gpu_worker.lifecycle.wiring import Wiring
from gpu_worker.ports import EngineUnavailable
from shared.errors import ErrorCode, GenerationError
from shared.paths import GenerationPath
from shared.ports import Snapshot, Unavailable

log = logging.getLogger(__name__)

#: What of a document's `progress` goes to RunPod: all but the preview.
PROGRESS_KEYS = ("fraction", "stage", "step", "total_steps")
#: When the runner has nothing to do with it: somebody else may say something, or else we look.
LOOK_SECONDS = 30.0
#: Between two looks at the least, so that nothing spins.
LEAST_SECONDS = 0.1

OnProgress = Callable[[Mapping[str, Any]], None]


class Deleted(Exception):
    """The document is gone: its owner removed it."""

    def __str__(self) -> str:
        return DELETED


class Runner(Protocol):
    """What it needs of a `GenerationRunner`."""

    def handle(self, path: GenerationPath, control: JobControl | None = None) -> Handled:
        """Do what the document at `path` wants done. Never raises for a fault of one job."""
        ...

    def drain(self) -> None:
        """Take nothing more, and stop what runs at its next step."""
        ...


class Journey:
    """Used once: `run`, while `stop` and `give_back` may come from other threads."""

    def __init__(
        self,
        wiring: Wiring,
        runner: Runner,
        path: GenerationPath,
        *,
        patience_seconds: float,
        on_progress: OnProgress,
    ) -> None:
        """`on_progress` gets new progress at once, and must return at once."""
        self._wiring = wiring
        self._runner = runner
        self._path = path
        self._patience = patience_seconds
        self._on_progress = on_progress
        self._changed = threading.Condition()
        self._control = JobControl()
        self._status: object = None
        self._news = False
        self._cancelled = False
        self._leaving = False
        self._engine_lost = False

    def run(self) -> Mapping[str, Any] | None:
        """The ended document; None when this worker is to have nothing more to do with it.

        Raises `Deleted`, `EngineUnavailable`, and `GenerationError` (timed_out).
        """
        clock = self._wiring.clock
        ends_at = clock.monotonic() + self._patience
        with closing(self._wiring.watcher.watch(str(self._path), self._on_change)):
            while True:
                handled = self._handle()
                data = self._read()
                if ended(data):
                    return data
                if self._over:
                    return None
                left = ends_at - clock.monotonic()
                if left <= 0:
                    raise self._too_long()
                seconds = handled.seconds if isinstance(handled, Later) else LOOK_SECONDS
                if not self._wait(min(max(seconds, LEAST_SECONDS), left)):
                    return None

    def stop(self) -> None:
        """The job is wanted no more: what this worker makes of it stops at its next step."""
        with self._changed:
            self._cancelled = True
            control = self._control
            self._changed.notify_all()
        control.stop(StopReason.CANCELLED)

    def give_back(self, *, engine_lost: bool) -> None:
        """This worker has to go: what it makes is given back at its next step. With a lost engine
        `run` says so, whether the job hears of the loss first or of having to go."""
        with self._changed:
            self._leaving, self._engine_lost = True, engine_lost
            self._changed.notify_all()
        self._runner.drain()

    @property
    def _over(self) -> bool:
        return self._cancelled or self._leaving

    def _handle(self) -> Handled:
        # A control keeps its reason, and the one of a lease that was lost is not the next try's.
        control = JobControl()
        with self._changed:
            self._control, self._news = control, False
            cancelled = self._cancelled
        if cancelled:
            control.stop(StopReason.CANCELLED)
        handled = self._runner.handle(self._path, control)
        given_back = control.reason is StopReason.SHUTDOWN and self._engine_lost
        if given_back or control.reason is StopReason.ENGINE_LOST:
            raise EngineUnavailable("the engine is lost")
        return handled

    def _read(self) -> Mapping[str, Any]:
        try:
            snapshot = self._wiring.documents.read(str(self._path))
        except Unavailable as error:
            log.warning("cannot read: %s", error, extra={"fields": {"generation": str(self._path)}})
            return {}
        if snapshot is None:
            raise Deleted
        return snapshot.data

    def _wait(self, seconds: float) -> bool:
        """Until there is a reason to look again; False when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._over, seconds)
            return not self._over

    def _on_change(self, snapshot: Snapshot | None) -> None:
        data = {} if snapshot is None else snapshot.data
        status = data.get("status")
        with self._changed:
            if status != self._status:
                self._status, self._news = status, True
                self._changed.notify_all()
        progress = data.get("progress")
        if isinstance(progress, Mapping):
            self._on_progress({key: progress[key] for key in PROGRESS_KEYS if key in progress})

    def _too_long(self) -> GenerationError:
        return GenerationError(
            ErrorCode.TIMED_OUT,
            f"The generation has not ended after {self._patience:g} seconds elsewhere; send the "
            "same request again for its result.",
        )
