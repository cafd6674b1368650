"""The signals that end a worker, and the bound within which it then leaves, whatever hangs.

The first SIGTERM or SIGINT asks; a SIGINT after that leaves at once; LEAVE_SECONDS after the first
the process ends in any case. Handlers only put a number into a queue, since they run between any
two lines of the main thread, which may hold the very lock that an event needs. So may any thread
that hangs hold the log's: the bound is started before anything is logged, and ends without it.
"""

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from shared.json_log import JsonFormatter

log = logging.getLogger(__name__)

#: Promise 6: under 8 s. Cloud Run grants 10 s, and then kills.
LEAVE_SECONDS = 7.5
#: For the log to be written out.
FLUSH_SECONDS = 0.3
#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130
STDERR = 2


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
        """End the process at once, whatever its threads do and hold."""
        flushing = threading.Thread(target=logging.shutdown, daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)
        self._leave(code)
        return code

    def _attend(self) -> None:
        number = self._signals.get()
        deadline = threading.Timer(self._leave_seconds, self._too_late)
        deadline.daemon = True
        deadline.start()
        self.stopping.set()
        # Not here: who holds the log's lock must not keep a Ctrl-C from being heard.
        words = f"{signal.Signals(number).name}: leaving"
        threading.Thread(target=log.info, args=(words,), daemon=True).start()
        while self._signals.get() != signal.SIGINT:
            pass
        self.leave(INTERRUPTED)

    def _too_late(self) -> None:
        words = f"still there {self._leave_seconds:g} s after the signal; its leases lapse"
        _say_without_locks(words)
        self._leave(1)


def _say_without_locks(words: str) -> None:
    """One line of the log, past it; lost where nobody reads."""
    record = logging.LogRecord(log.name, logging.CRITICAL, __file__, 0, words, None, None)
    line = JsonFormatter().format(record) + "\n"
    with suppress(OSError):
        # A pipe that is full would keep us for ever, too.
        os.set_blocking(STDERR, False)
        os.write(STDERR, line.encode())
