"""One command at a time for each state folder, and no signal while it cleans up."""

import fcntl
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.stack.failure import StackError

#: What a terminal, an impatient person or CI sends.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def claimed(state_dir: Path) -> Iterator[None]:
    """Hold the folder; raises StackError if another live process does. Ends with the process."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"Another command is using the stack in {state_dir}; wait for it or end it."
            ) from None
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore further signals: a second Ctrl-C must not leave half of a stack behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
