"""What the worker says of itself: `starting`, `ready` or `draining`, and that it is alive.

The service's loop says it every second. The file is replaced in one step, so that a reader never
sees half of it, when the state changes and every REFRESH_SECONDS: one that is older than
ALIVE_SECONDS is the word of a worker that is stuck. Probes read it, or ask `HealthServer`.
"""

import json
import logging
import os
import threading
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from shared.clock import Clock, SystemClock

log = logging.getLogger(__name__)

#: How old the file gets at most while the loop runs.
REFRESH_SECONDS = 5.0
#: Without a word for so long the loop is stuck.
ALIVE_SECONDS = 30.0


class Health(StrEnum):
    #: The model is being loaded, at the start or again after the engine died.
    STARTING = "starting"
    #: Jobs are taken and begin at once.
    READY = "ready"
    #: Nothing more is taken; the process is about to end.
    DRAINING = "draining"


class HealthFile:
    """Writes nothing when no path is given. Thread-safe; `draining` is the last word."""

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._state = Health.STARTING
        self._content: str | None = None
        self._said_at = self._wrote_at = self._clock.monotonic()
        #: Why the last write failed, as far as it did.
        self._fault: str | None = None

    @property
    def state(self) -> Health:
        return self._state

    @property
    def alive(self) -> bool:
        """False when nothing was said for ALIVE_SECONDS."""
        return self._clock.monotonic() - self._said_at < ALIVE_SECONDS

    def write(self, state: Health, **details: Any) -> None:
        """JSON: `{"state": …, "pid": …}` and `details`. A file that cannot be written (a full disk,
        say) is a warning, once until it changes: it must neither stop the work nor keep the
        worker from leaving."""
        with self._lock:
            if self._state is Health.DRAINING:
                return
            self._state = state
            self._said_at = now = self._clock.monotonic()
            content = json.dumps({"state": state.value, "pid": os.getpid(), **details})
            due = content != self._content or now - self._wrote_at >= REFRESH_SECONDS
            if self._path is not None and due:
                self._content, self._wrote_at = content, now
                self._replace(self._path, content)

    def _replace(self, path: Path, content: str) -> None:
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(content)
            fresh.replace(path)
            self._fault = None
        except OSError as error:
            self._content = None  # tried again with the next word
            known, self._fault = self._fault, error.strerror
            if self._fault != known:
                log.warning("cannot write the health file %s: %s", path, self._fault)
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
