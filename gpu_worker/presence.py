"""Says in the database that this worker is there and how it is; see `shared.presence`.

A thread of its own looks every LOOK_SECONDS and writes what is new at most every CHANGE_SECONDS,
what is not every REPORT_SECONDS, and at once that it is leaving. Nothing relies on it: a write that
fails is a warning, once until one succeeds, and the next word is said at its time.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from shared.clock import Clock
from shared.json_log import facts_of
from shared.paths import worker_document
from shared.ports import AlreadyExists, Conflict, DocumentStore, Missing
from shared.presence import REPORT_SECONDS, WorkerReport, WorkerState

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
#: Pictures come and go faster than anybody reads.
CHANGE_SECONDS = 10.0
#: For the last word. Leaving has no time for a write that hangs, and draining has said it already.
LEAVE_SECONDS = 0.1


class Presence:
    """Used once, as a context manager."""

    def __init__(
        self,
        documents: DocumentStore,
        clock: Clock,
        worker_id: str,
        look: Callable[[], WorkerReport],
        *,
        look_seconds: float = LOOK_SECONDS,
        change_seconds: float = CHANGE_SECONDS,
        report_seconds: float = REPORT_SECONDS,
        leave_seconds: float = LEAVE_SECONDS,
    ) -> None:
        """`look` says how the worker is; from the thread, again and again."""
        self._documents = documents
        self._clock = clock
        self._path = worker_document(worker_id)
        self._look = look
        self._look_seconds = look_seconds
        self._change_seconds = change_seconds
        self._report_seconds = report_seconds
        self._leave_seconds = leave_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
        self._said: WorkerReport | None = None
        self._said_at = 0.0
        self._version: Any = None
        self._failing = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(self._leave_seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._look_seconds if self._said else 0.0):
            self._try(lambda: self._say(self._look()))
        if self._said is not None:
            # As it was: its parts are closed by now.
            last = replace(self._said, state=WorkerState.DRAINING, jobs=())
            self._try(lambda: self._say(last))

    def _say(self, report: WorkerReport) -> None:
        if self._said is not None:
            since = self._clock.monotonic() - self._said_at
            news = report != self._said
            leaving = news and report.state is WorkerState.DRAINING
            if not leaving and since < (self._change_seconds if news else self._report_seconds):
                return
        self._said, self._said_at = report, self._clock.monotonic()
        self._write(report)
        self._failing = False

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 (logged; the work has no part in it)
            if not self._failing:
                LOG.warning("cannot say how this worker is", extra={"fields": facts_of(error)})
            self._failing = True

    def _write(self, report: WorkerReport) -> None:
        fields = report.to_document(self._clock.now())
        try:
            if self._version is None:
                written = self._documents.create(self._path, fields)
            else:
                written = self._documents.update(self._path, fields, expected=self._version)
        except (AlreadyExists, Conflict, Missing):
            # A reply was lost, or an operator has cleared it away.
            there = self._documents.read(self._path)
            written = (
                self._documents.update(self._path, fields, expected=there.version)
                if there
                else self._documents.create(self._path, fields)
            )
        self._version = written.version
