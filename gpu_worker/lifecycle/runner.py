"""Takes one generation from a message to a terminal status; what every intake calls.

The document decides everything; the returned `Handled` only tells the intake what to do with its
message. Thread-safe: an intake calls `handle` from several threads.
"""

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

from gpu_worker.lifecycle.attempt import Attempt
from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.handled import Done, Handled, Later
from gpu_worker.lifecycle.outlook import ForesightedEngine
from gpu_worker.lifecycle.take import Nothing, NotNow, Taken, take
from gpu_worker.lifecycle.wiring import Wiring
from shared.crash_points import CrashPoint, crash_point
from shared.errors import InvalidInput
from shared.paths import GenerationPath
from shared.ports import Rejected, Unavailable

log = logging.getLogger(__name__)

#: When the store did not answer: long enough not to hammer it, short for a person waiting.
STORE_RETRY_SECONDS = 10.0
#: A generation that can be claimed in so short a time is waited for: the message would come back a
#: whole second later.
WAITED_SECONDS = 1.0
#: Beyond it, so that one wait is enough.
WAITED_MORE_SECONDS = 0.02
#: After a fault of ours in claiming, which may be gone with another worker's release.
FAULT_RETRY_SECONDS = 60.0
#: So often one worker tries to claim what it has a fault with, before it lets the message go.
MAX_FAULTS = 5


class GenerationRunner:
    def __init__(self, wiring: Wiring) -> None:
        self._engine = ForesightedEngine(wiring.engine, wiring.clock)
        self._wiring = replace(wiring, engine=self._engine)
        self._lock = threading.Lock()
        self._running: dict[GenerationPath, JobControl] = {}
        self._draining = False
        #: Faults in claiming, by document, since it was last claimed or let go.
        self._faults: Counter[GenerationPath] = Counter()

    def handle(self, path: GenerationPath, control: JobControl | None = None) -> Handled:
        """Do what the document at `path` wants done. Never raises for a fault of one job.

        An intake that can be told to stop a job hands in a `control` of its own, new each time.
        """
        control = control or JobControl()
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
            self._engine.settled(str(path))
            with self._lock:
                del self._running[path]

    @property
    def ready(self) -> bool:
        """Whether the engine has its model; it has none after a crash, until another has loaded."""
        return self._engine.ready

    def storing(self) -> int:
        """Generations in hand that need the engine no more."""
        return self._engine.storing()

    def wanted_in(self) -> float | None:
        """Seconds until another generation should be fetched so that the engine does not wait for
        it; 0 or less: now. None: none is at the engine."""
        return self._engine.wanted_in()

    def listen(self, on_change: Callable[[], None]) -> None:
        """Have `on_change` called when a generation gets to the engine, or leaves it."""
        self._engine.on_change = on_change

    @property
    def idle(self) -> bool:
        """True while no generation is in hand: every one taken was settled or given back."""
        with self._lock:
            return not self._running

    @property
    def in_hand(self) -> list[GenerationPath]:
        """In the order in which they came."""
        with self._lock:
            return list(self._running)

    def drain(self) -> None:
        """Take nothing more, and stop what runs at its next step; `handle` calls then return."""
        with self._lock:
            self._draining = True
            controls = list(self._running.values())
        for control in controls:
            control.stop(StopReason.SHUTDOWN)

    def _take(self, path: GenerationPath, control: JobControl) -> Taken:
        """As `take`; what can be claimed in a moment is waited for, once."""
        taken = self._take_now(path, control)
        if not isinstance(taken, NotNow) or taken.seconds > WAITED_SECONDS:
            return taken
        wait([control.stopping], taken.seconds + WAITED_MORE_SECONDS)
        if control.reason is not None:
            return NotNow(why="this worker has to go", seconds=0)
        return self._take_now(path, control)

    def _take_now(self, path: GenerationPath, control: JobControl) -> Taken:
        return take(
            self._wiring.documents,
            self._wiring.clock,
            path,
            worker_id=self._wiring.worker_id,
            on_cancel_requested=lambda: control.stop(StopReason.CANCELLED),
            lease_seconds=self._wiring.lease_seconds,
        )

    def _handle(self, path: GenerationPath, control: JobControl) -> Handled:
        fields = {"generation": str(path)}
        try:
            taken = self._take(path, control)
        except Unavailable as error:
            log.warning("cannot claim: %s", error, extra={"fields": fields})
            return Later(seconds=STORE_RETRY_SECONDS)
        except (InvalidInput, Rejected) as error:
            # The trigger fails a document without a status of the contract; a worker has none to
            # move it from. What the status says may be anything, so it stays out of the log.
            known = isinstance(error, InvalidInput)
            why = "it has no status of the contract" if known else "the store refuses every write"
            log.error("the document cannot be moved on: %s", why, extra={"fields": fields})  # noqa: TRY400
            return Done()
        except Exception as error:  # noqa: BLE001 (logged without its text)
            return self._fault(path, error)
        with self._lock:
            del self._faults[path]
        if isinstance(taken, Nothing):
            log.info("nothing to do: %s", taken.why, extra={"fields": fields})
            return Done()
        if isinstance(taken, NotNow):
            log.info("not now: %s", taken.why, extra={"fields": fields})
            return Later(seconds=taken.seconds)
        crash_point(CrashPoint.CLAIMED)
        return Attempt(self._wiring, taken, control).run()

    def _fault(self, path: GenerationPath, error: Exception) -> Handled:
        """A fault of ours: tried again, but not for ever."""
        with self._lock:
            self._faults[path] += 1
            given_up = self._faults[path] >= MAX_FAULTS
            if given_up:
                del self._faults[path]
        # Not the error's text: it may quote what the person wrote.
        place = traceback.extract_tb(error.__traceback__)[-1]
        fields = {
            "generation": str(path),
            "error": type(error).__name__,
            "where": f"{Path(place.filename).name}:{place.lineno}",
            "given_up": given_up,
        }
        log.error("cannot claim, unexpectedly", extra={"fields": fields})
        return Done() if given_up else Later(seconds=FAULT_RETRY_SECONDS)
