"""Where a generation stands when it is accepted: an estimate that costs the acceptance no call.

The line is looked at in a thread of its own while the document is read; one look serves what is
accepted in the next LOOK_SECONDS, which counts on from it. No answer within PATIENCE_SECONDS, or
any fault: then nothing is said, and the minute's run says it later. A fault is logged once every
WARNING_SECONDS at most, however many are accepted meanwhile.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import timedelta
from typing import Any

from shared.clock import Clock
from shared.json_log import facts_of
from shared.kinds import Kind
from shared.paths import QUEUE_DOCUMENT
from shared.ports import DocumentStore
from shared.queueing import STALE_SECONDS, Load, QueueSearch
from shared.status import Status

LOOK_SECONDS = 5.0
#: From the moment when the place is asked for; a look takes two calls of some 10 ms each.
PATIENCE_SECONDS = 0.25
#: Between two warnings of one process: a store that is away is away for every acceptance.
WARNING_SECONDS = 60.0

LOG = logging.getLogger("trigger")

#: Each kind's load, and how many of it wait; None: nobody has measured them lately.
Look = Mapping[Kind, tuple[Load, int]] | None


class FirstPlaces:
    """Thread-safe; one an instance of the function."""

    def __init__(
        self,
        documents: DocumentStore,
        search: QueueSearch,
        clock: Clock,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._documents = documents
        self._search = search
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._pool = ThreadPoolExecutor(1, "places")
        self._lock = threading.Lock()
        self._look: Future[Look] | None = None
        self._looked_at = 0.0
        #: Accepted here since the look began.
        self._since: Counter[Kind] = Counter()
        self._warned_at: float | None = None

    def look(self) -> "Callable[[Kind], Mapping[str, Any] | None]":
        """Begin to look, unless that was done just now. The function that it returns says the
        `queue` of one that is accepted now, or None; it is called once at most."""
        with self._lock:
            now = self._clock.monotonic()
            # One that hangs is not followed by another: they would stand in line.
            if self._look is None or (self._look.done() and now - self._looked_at >= LOOK_SECONDS):
                self._look, self._looked_at = self._pool.submit(self._measure), now
                self._since.clear()
            look = self._look
        return lambda kind: self._place(look, kind)

    def _place(self, look: Future[Look], kind: Kind) -> Mapping[str, Any] | None:
        try:
            seen = look.result(self._patience_seconds)
        except TooLate:
            return None
        except Exception as error:  # noqa: BLE001 (logged; the acceptance has no part in it)
            self._warn(error)
            return None
        with self._lock:
            before = self._since[kind]
            self._since[kind] += 1
        if seen is None:
            return None
        load, waiting = seen[kind]
        return load.place(waiting + before)

    def _warn(self, error: Exception) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if self._warned_at is not None and now - self._warned_at < WARNING_SECONDS:
                return
            self._warned_at = now
        LOG.warning("cannot tell a first place", extra={"fields": facts_of(error)})

    def _measure(self) -> Look:
        snapshot = self._documents.read(QUEUE_DOCUMENT)
        if snapshot is None:
            return None
        measured = snapshot.data.get("updated_at")
        oldest = snapshot.read_time - timedelta(seconds=STALE_SECONDS)
        if measured is None or measured < oldest:
            return None
        return {
            kind: (
                Load.from_document(snapshot.data.get(kind.value)),
                self._search.count(Status.QUEUED, kind),
            )
            for kind in Kind
        }
