"""Waits for what another process says in a file or on a port.

The emulators and the worker outlive whoever started them, so they write to files and not to a pipe,
and neither a file nor a closed port wakes anybody up: they are looked at again and again.
"""

import time
from collections.abc import Callable

from tenacity import Retrying, retry_if_result, wait_fixed

POLL_SECONDS = 0.05


def wait_until(ready: Callable[[], bool], *, deadline: float, check: Callable[[], None]) -> bool:
    """Whether `ready()` came true before `deadline` (monotonic clock).

    Between two looks `check()` may raise what makes waiting pointless.
    """

    def look() -> bool:
        if ready():
            return True
        check()
        return False

    looking = Retrying(
        retry=retry_if_result(lambda is_ready: not is_ready),
        wait=wait_fixed(POLL_SECONDS),
        stop=lambda _: time.monotonic() > deadline,
        retry_error_callback=lambda _: False,
    )
    return looking(look)
