"""The server's clock as this worker knows it: a reply's time carried on by the monotonic clock.

The reply's time is counted from the moment the request was *sent*, so the estimate is never behind
the server and at most one round trip ahead: a lease computed from it never ends early.
"""

from datetime import datetime, timedelta

from shared.clock import Clock


class ServerClock:
    """Not thread-safe; owned by whoever serialises the writes."""

    def __init__(self, clock: Clock, *, server_time: datetime, sent_at: float) -> None:
        self._clock = clock
        self.anchor(server_time, sent_at)

    def anchor(self, server_time: datetime, sent_at: float) -> None:
        """Take over the time of a reply to a request sent at monotonic `sent_at` seconds."""
        self._server_time = server_time
        self._sent_at = sent_at

    def now(self) -> datetime:
        return self._server_time + timedelta(seconds=self._clock.monotonic() - self._sent_at)
