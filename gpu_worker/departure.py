"""The signals that end a worker, and the bound within which it then leaves, whatever hangs.

The first SIGTERM or SIGINT asks; a SIGINT after that leaves at once; LEAVE_SECONDS after the first
the process ends in any case. A thread reads the signals' numbers, which Python writes to a socket
as they come: handlers would wait for the main thread, which may wait for ever, and run between any
two of its lines, while it holds the very lock that an event needs. So may any thread that hangs
hold the log's: the bound is started before anything is logged, and ends without it.
"""

import logging
import os
import signal
import socket
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
        self._signals, self._sent = socket.socketpair()

    def listen(self) -> None:
        """Take over the two signals; from the main thread."""
        threading.Thread(target=self._attend, name="signals", daemon=True).start()
        # One that finds the socket full is one too many.
        self._sent.setblocking(False)
        signal.set_wakeup_fd(self._sent.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _heard_elsewhere)

    def leave(self, code: int) -> int:
        """End the process at once, whatever its threads do and hold."""
        flushing = threading.Thread(target=logging.shutdown, daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)
        self._leave(code)
        return code

    def _attend(self) -> None:
        number = self._next()
        deadline = threading.Timer(self._leave_seconds, self._too_late)
        deadline.daemon = True
        deadline.start()
        self.stopping.set()
        # Not here: who holds the log's lock must not keep a Ctrl-C from being heard.
        words = f"{signal.Signals(number).name}: leaving"
        threading.Thread(target=log.info, args=(words,), daemon=True).start()
        while self._next() != signal.SIGINT:
            pass
        self.leave(INTERRUPTED)

    def _next(self) -> int:
        """Of those two; anything else in the process may have a handler for another one."""
        while (number := self._signals.recv(1)[0]) not in (signal.SIGTERM, signal.SIGINT):
            pass
        return number

    def _too_late(self) -> None:
        words = f"still there {self._leave_seconds:g} s after the signal; its leases lapse"
        _say_without_locks(words)
        self._leave(1)


def _heard_elsewhere(_number: int, _frame: object) -> None:
    """A handler, so that the signal does not do what it does by default."""


def _say_without_locks(words: str) -> None:
    """One line of the log, past it; lost where nobody reads."""
    record = logging.LogRecord(log.name, logging.CRITICAL, __file__, 0, words, None, None)
    line = JsonFormatter().format(record) + "\n"
    with suppress(OSError):
        # A pipe that is full would keep us for ever, too.
        os.set_blocking(STDERR, False)
        os.write(STDERR, line.encode())
