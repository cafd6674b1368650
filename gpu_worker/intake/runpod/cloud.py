"""A generation in cloud storage: its document is created, or found, and its end is answered with.

`user_id` and `file_uid` name the document, so the same request twice is one generation: whoever
comes second gets the output that is there, or waits for it.
"""

from gpu_worker.intake.runpod.asked import Asked
from gpu_worker.intake.runpod.fresh import fresh_document
from gpu_worker.intake.runpod.journey import Deleted, Journey, OnProgress, Runner
from gpu_worker.lifecycle.wiring import Wiring
from shared.errors import InvalidInput
from shared.ports import AlreadyExists, DocumentStore, Rejected


def cloud_journey(wiring: Wiring, runner: Runner, asked: Asked, on_progress: OnProgress) -> Journey:
    """Creates the document if it is not there, but not for a job that was dispatched: its document
    was deleted, then. Raises `InvalidInput` where another request has its
    id, `Deleted`, `Unavailable`."""
    if not asked.dispatched:
        ensure_document(wiring.documents, asked)
    return Journey(
        wiring,
        runner,
        asked.path,
        patience_seconds=wiring.time_limits.of(asked.request),
        waits_for_others=not asked.dispatched,
        on_progress=on_progress,
    )


def ensure_document(documents: DocumentStore, asked: Asked) -> None:
    path = str(asked.path)
    try:
        documents.create(path, fresh_document(asked.path, asked.raw, asked.kind))
    except AlreadyExists:
        # Ours too, when the reply to an earlier try was lost.
        there = documents.read(path)
        if there is None:
            raise Deleted from None
        if not asked.is_same(there.data.get("input")):
            raise InvalidInput(
                f"file_uid is '{asked.path.generation_id}', which another request of this user has "
                "already; it must be a new id for a new request."
            ) from None
    except Rejected:
        raise InvalidInput(
            "input cannot be stored; it must be an object of request parameters."
        ) from None
