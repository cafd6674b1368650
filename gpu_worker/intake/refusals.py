"""Requests refused for who sent them, told in the log at most once in QUIET_SECONDS: anybody who
reaches the port can make any number of them."""

import logging

from shared.clock import Clock

log = logging.getLogger(__name__)

QUIET_SECONDS = 30.0


class Refusals:
    """Of one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unsaid = 0
        self._quiet_until = clock.monotonic()

    def add(self, why: str) -> None:
        """`why` quotes nothing of the request."""
        self._unsaid += 1
        now = self._clock.monotonic()
        if now < self._quiet_until:
            return
        fields = {"refused": self._unsaid}
        log.warning("refused a request: %s", why, extra={"fields": fields})
        self._unsaid, self._quiet_until = 0, now + QUIET_SECONDS
