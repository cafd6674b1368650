"""One delivered message, whatever brought it: what it says, and what becomes of it.

What can never be read is done with; what a newer release wrote is left to its workers; a fault of
ours puts off the one message that met it, and harms no other.
"""

import logging
from collections.abc import Callable

from gpu_worker.lifecycle.handled import Done, Handled, Later
from shared.crash_points import CrashPoint, crash_point
from shared.json_log import trace_of
from shared.message import GenerationMessage, MalformedMessage, NewerSchema
from shared.paths import GenerationPath

log = logging.getLogger(__name__)

#: How long an older worker leaves a newer release's message to others.
NEWER_SCHEMA_SECONDS = 10
#: After a fault of ours: what went wrong for one message should not spin, nor stop the others.
FAULT_SECONDS = 10


def read(data: bytes) -> GenerationPath | Handled:
    """The generation that a message points at, or what to do with one that points at none."""
    try:
        return GenerationMessage.from_bytes(data).path
    except MalformedMessage as error:
        return dropped(str(error))
    except NewerSchema as error:
        log.warning("left a message to a newer worker: %s", error)
        return Later(seconds=NEWER_SCHEMA_SECONDS)


def dropped(why: str) -> Done:
    """No later delivery would make it readable, and its document is rescued by the sweep."""
    log.error("dropped a message: %s", why)
    return Done()


def settle(path: GenerationPath, handle: Callable[[GenerationPath], Handled]) -> Handled:
    """`handle(path)`, which raises nothing here."""
    try:
        crash_point(CrashPoint.RECEIVED)
        handled = handle(path)
    except Exception as error:  # noqa: BLE001 (logged without its text)
        fields = {"generation": str(path), **trace_of(error)}
        log.error("could not handle a message", extra={"fields": fields})  # noqa: TRY400
        return Later(seconds=FAULT_SECONDS)
    if isinstance(handled, Done):
        crash_point(CrashPoint.ACKNOWLEDGING)
    return handled
