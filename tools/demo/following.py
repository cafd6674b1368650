"""Follows a generation to its end, and says where it hangs when nothing takes it up."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tools.demo.phone import FINAL, Event

#: On two slow cores a film takes tens of seconds; a demo that says nothing for longer is broken.
GENERATION_TIMEOUT_SECONDS = 300.0
#: The first event waits for the function's process, a few seconds; after this something is wrong.
PATIENCE_SECONDS = 30.0

#: What a status waits for: who has to act, and the stack's log file in which that shows.
WAITS_FOR = {"queued": ("worker", "worker"), "pending": ("function", "firebase")}


class Listener(Protocol):
    """What following needs of a `Phone`."""

    def documents(self, generation_id: str, timeout_seconds: float) -> Iterator[Event]:
        """The document's states. Raises `TimeoutError` at the deadline."""
        ...


def follow(
    phone: Listener,
    generation_id: str,
    *,
    logs: Mapping[str, Path],
    notice: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """The document's states up to a terminal one, like `Phone.documents`.

    `notice` gets one sentence for a generation that stays pending or queued for PATIENCE_SECONDS.
    `logs` are the stack's. Raises `TimeoutError` after GENERATION_TIMEOUT_SECONDS.
    """
    deadline = clock() + GENERATION_TIMEOUT_SECONDS
    status = "pending"
    told: set[str] = set()
    while status not in FINAL:
        left = max(0.0, deadline - clock())
        try:
            event = next(phone.documents(generation_id, min(PATIENCE_SECONDS, left)))
        except TimeoutError:
            if clock() >= deadline:
                raise TimeoutError(
                    f"the generation was {status} after {GENERATION_TIMEOUT_SECONDS:g} s."
                ) from None
            if status in WAITS_FOR and status not in told:
                told.add(status)
                notice(_hanging(status, logs))
            continue
        status = event["data"]["status"]
        yield event


def _hanging(status: str, logs: Mapping[str, Path]) -> str:
    actor, log = WAITS_FOR[status]
    since = f"Still {status} after {PATIENCE_SECONDS:g} s"
    return f"{since}: the {actor} has not taken it. See {logs[log]}"


def log_files(logs: Mapping[str, Path]) -> str:
    """Where to look after a failure, a line each."""
    return "\n".join(f"The {actor}'s log: {logs[log]}" for actor, log in WAITS_FOR.values())
