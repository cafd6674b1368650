"""A generation as it is read from its document, for tests of what is decided about it."""

from typing import Any

from shared.document import Generation
from shared.lease import FREE
from shared.paths import GenerationPath
from shared.status import Status


def generation(status: Status = Status.QUEUED, **fields: Any) -> Generation:
    usual: dict[str, Any] = {
        "path": GenerationPath(uid="ann", generation_id="g1"),
        "status": status,
        "input": {"prompt": "x"},
        "cancel_requested": False,
        "attempt": 0,
        "lease": FREE,
        "error": None,
    }
    return Generation(**{**usual, **fields})
