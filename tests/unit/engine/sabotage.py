"""Engines that hang on a signal, through a `sitecustomize` that Python imports by itself."""

import signal
from pathlib import Path

import pytest

#: Holds the GIL for good: not one thread of the process runs any more.
HOLD_THE_GIL = signal.SIGUSR1
#: The main thread waits for what never comes; the others go on.
DEADLOCK = signal.SIGUSR2

SITECUSTOMIZE = """
import ctypes, signal, sys, threading
if "gpu_worker.engine" in sys.orig_argv:
    signal.signal(signal.SIGUSR1, lambda *_: ctypes.PyDLL(None).sleep(3600))
    signal.signal(signal.SIGUSR2, lambda *_: threading.Event().wait())
"""


def sabotage(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Engines started while `patch` lasts hang on these signals."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    patch.setenv("PYTHONPATH", str(folder))
