"""Takes one generation from a message to a terminal status; what every intake calls.

The document decides everything; the returned `Handled` only tells the intake what to do with its
message. Thread-safe: an intake calls `handle` from several threads.
"""

import logging
import threading

from gpu_worker.lifecycle.attempt import Attempt
from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.handled import Done, Handled, Later
from gpu_worker.lifecycle.take import Nothing, NotNow, take
from gpu_worker.lifecycle.wiring import Wiring
from shared.errors import InvalidInput
from shared.paths import GenerationPath
from shared.ports import Unavailable

log = logging.getLogger(__name__)

#: When the store did not answer: long enough not to hammer it, short for a person waiting.
STORE_RETRY_SECONDS = 10.0


class GenerationRunner:
    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lock = threading.Lock()
        self._running: dict[GenerationPath, JobControl] = {}
        self._draining = False

    def handle(self, path: GenerationPath) -> Handled:
        """Do what the document at `path` wants done. Never raises for a fault of one job."""
        control = JobControl()
        with self._lock:
            if self._draining:
                return Later(seconds=0)
            if path in self._running:
                # Not Done: it may be the running job's own message, delivered again, and the job
                # may yet need it. Once the job has ended it is found to be done.
                return Later(seconds=self._wiring.lease_seconds)
            self._running[path] = control
        try:
            return self._handle(path, control)
        finally:
            with self._lock:
                del self._running[path]

    def drain(self) -> None:
        """Take nothing more, and stop what runs at its next step; `handle` calls then return."""
        with self._lock:
            self._draining = True
            controls = list(self._running.values())
        for control in controls:
            control.stop(StopReason.SHUTDOWN)

    def _handle(self, path: GenerationPath, control: JobControl) -> Handled:
        fields = {"generation": str(path)}
        try:
            taken = take(
                self._wiring.documents,
                self._wiring.clock,
                path,
                worker_id=self._wiring.worker_id,
                on_cancel_requested=lambda: control.stop(StopReason.CANCELLED),
                lease_seconds=self._wiring.lease_seconds,
            )
        except Unavailable as error:
            log.warning("cannot claim: %s", error, extra={"fields": fields})
            return Later(seconds=STORE_RETRY_SECONDS)
        except InvalidInput:
            # The trigger fails such a document; a worker has no status to move it from. What the
            # status says may be anything, so it stays out of the log.
            log.error("the document has no status of the contract", extra={"fields": fields})  # noqa: TRY400
            return Done()
        if isinstance(taken, Nothing):
            log.info("nothing to do: %s", taken.why, extra={"fields": fields})
            return Done()
        if isinstance(taken, NotNow):
            log.info("held by another worker", extra={"fields": fields})
            return Later(seconds=taken.seconds)
        return Attempt(self._wiring, taken, control).run()
