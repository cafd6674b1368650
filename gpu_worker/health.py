"""The health file: says `starting`, `ready` or `draining`, replaced in one step so that a reader
never sees half of it. Container probes, the local stack and tests read it."""

import json
import os
import threading
from enum import StrEnum
from pathlib import Path
from typing import Any


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

    def write(self, state: Health, **details: Any) -> None:
        """JSON: `{"state": …, "pid": …}` and `details`."""
        if self._path is None:
            return
        with self._lock:
            if self._draining:
                return
            self._draining = state is Health.DRAINING
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(f".{os.getpid()}.tmp")
            fresh.write_text(json.dumps({"state": state.value, "pid": os.getpid(), **details}))
            fresh.replace(self._path)
