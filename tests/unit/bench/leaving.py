"""A benchmark that starts a process which nobody would find, and then ends, fails or goes on.

`LEAVING_PID` names the file that gets the pid; `LEAVING_END` says how: `done`, `raises`, `hangs`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.outcome import Outcome
from tests.unit.bench import found
from tools.stack.waiting import wait_until

START_SECONDS = 60.0

#: In a session of its own, deaf to being asked, and without anybody who ends it.
STAYS = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = pathlib.Path(sys.argv[1])
fresh = file.with_suffix(".new")
fresh.write_text(str(os.getpid()))
fresh.rename(file)
signal.pause()
"""


def measure() -> Sequence[Outcome]:
    subprocess.Popen(
        [sys.executable, "-c", STAYS, os.environ["LEAVING_PID"]], start_new_session=True
    )
    how = os.environ["LEAVING_END"]
    deadline = time.monotonic() + START_SECONDS
    assert wait_until(Path(os.environ["LEAVING_PID"]).exists, deadline=deadline, check=lambda: None)
    if how == "raises":
        raise RuntimeError("it fails")
    if how == "hangs":
        signal.pause()
    return found.measure()
