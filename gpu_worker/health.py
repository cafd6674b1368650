"""The health file: says `starting`, `ready` or `draining`, replaced in one step so that a reader
never sees half of it. Container probes, the local stack and tests read it."""

import json
import logging
import os
import threading
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Health(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class HealthFile:
    """Does nothing when no path is given. Thread-safe; `draining` is the last word."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._draining = False
        #: Why the last write failed, as far as it did.
        self._fault: str | None = None

    def write(self, state: Health, **details: Any) -> None:
        """JSON: `{"state": …, "pid": …}` and `details`. A file that cannot be written (a full disk,
        say) is a warning, once until it changes: it must neither stop the work nor keep the
        worker from leaving."""
        if self._path is None:
            return
        with self._lock:
            if self._draining:
                return
            self._draining = state is Health.DRAINING
            content = json.dumps({"state": state.value, "pid": os.getpid(), **details})
            fresh = self._path.with_suffix(f".{os.getpid()}.tmp")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fresh.write_text(content)
                fresh.replace(self._path)
                self._fault = None
            except OSError as error:
                known, self._fault = self._fault, error.strerror
                if self._fault != known:
                    log.warning("cannot write the health file %s: %s", self._path, self._fault)
                with suppress(OSError):
                    fresh.unlink(missing_ok=True)
