"""A benchmark that starts a process, says its pid, and is never done."""

import subprocess
import sys
import threading
from collections.abc import Sequence

from bench.outcome import Outcome


def measure() -> Sequence[Outcome]:
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(started.pid, flush=True)
    threading.Event().wait()
    return []
