"""Who sends a push request: the port that tells our subscription from everybody else."""

from typing import Protocol


class NotOurs(Exception):
    """The request is not from our subscription; the text, for the log, quotes nothing of it."""


class PushSender(Protocol):
    def check(self, authorization: str | None) -> None:
        """Return if the request with this Authorization header may be acted on.

        Raises `NotOurs` (answer 403: Pub/Sub sends it again, others learn nothing), and
        `Unavailable` when that cannot be told now (answer 503).
        """


class Anybody:
    """A `PushSender` for the emulator, whose requests say nothing of who sends them."""

    def check(self, authorization: str | None) -> None:
        """Whoever it is."""
