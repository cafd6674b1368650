"""Repeats a remote call while it fails with errors that another try may cure, for a bounded time.

Backoff is exponential with full jitter, so that many workers do not come back at the same moment.
"""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.ports import Unavailable

#: Bounds of the first pause and of all later ones.
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 4.0

T = TypeVar("T")


def call_patiently(
    request: Callable[[], T],
    *,
    service: str,
    transient: tuple[type[Exception], ...],
    patience_seconds: float,
) -> T:
    """What `request` returns. Raises `Unavailable` naming `service` when patience ends.

    Only the kind of the last error is told: its text may quote a URL with a token.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(transient),
        stop=stop_after_delay(patience_seconds),
        wait=wait_random_exponential(multiplier=FIRST_PAUSE_SECONDS, max=MAX_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        return retrying(request)
    except transient as error:
        raise Unavailable(f"{service}: {type(error).__name__}") from error
