"""The signals that end a worker, and the bound within which it then leaves, whatever hangs.

The first SIGTERM or SIGINT asks; a SIGINT after that leaves at once; LEAVE_SECONDS after the first
the process ends in any case. Handlers only put a number into a queue, since they run between any
two lines of the main thread, which may hold the very lock that an event needs.
"""

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

#: Promise 6: under 8 s. Cloud Run grants 10 s, and then kills.
LEAVE_SECONDS = 7.5
#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130


class Departure:
    """`stopping` is set by the first signal, and may be set by others."""

    def __init__(
        self,
        *,
        leave_seconds: float = LEAVE_SECONDS,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        self.stopping = threading.Event()
        self._leave_seconds = leave_seconds
        self._leave = leave
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def listen(self) -> None:
        """Take over the two signals; from the main thread."""
        threading.Thread(target=self._attend, name="signals", daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._signals.put(number))

    def leave(self, code: int) -> int:
        """End the process at once, whatever its threads do."""
        logging.shutdown()
        self._leave(code)
        return code

    def _attend(self) -> None:
        log.info("%s: leaving", signal.Signals(self._signals.get()).name)
        deadline = threading.Timer(self._leave_seconds, self._too_late)
        deadline.daemon = True
        deadline.start()
        self.stopping.set()
        while self._signals.get() != signal.SIGINT:
            pass
        self.leave(INTERRUPTED)

    def _too_late(self) -> None:
        log.critical("still there %g s after the signal; its leases lapse", self._leave_seconds)
        self.leave(1)
