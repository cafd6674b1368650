"""Use case: a generation was cancelled or deleted before a worker claimed it; its job is cancelled.

What is `processing` is not touched: its worker sees the wish within a step and ends the job itself.
"""

from collections.abc import Mapping
from typing import Any

from shared.dispatched import Dispatched
from shared.ports import DocumentStore
from shared.serverless import ServerlessJobs
from shared.status import Status

#: Somebody may still be going to claim it; what `cancelled` left behind in the queue, too.
UNCLAIMED = (Status.PENDING, Status.QUEUED, Status.CANCELLED)


def withdraw(path: str, *, documents: DocumentStore, jobs: ServerlessJobs) -> bool:
    """Whether the cancelled generation at `path` had a job to cancel. Raises `Unavailable` and
    `Misconfigured`."""
    snapshot = documents.read(path)
    if snapshot is None or snapshot.data.get("cancel_requested") is not True:
        return False
    return _cancel(snapshot.data, UNCLAIMED, jobs)


def withdraw_deleted(deleted: Mapping[str, Any], *, jobs: ServerlessJobs) -> bool:
    """Likewise of a document that was as `deleted` when it was deleted; its worker, if it has one,
    looks for it in vain, and hears of it from the job."""
    return _cancel(deleted, (*UNCLAIMED, Status.PROCESSING), jobs)


def _cancel(
    document: Mapping[str, Any], statuses: tuple[Status, ...], jobs: ServerlessJobs
) -> bool:
    dispatch = Dispatched.from_document(document.get("dispatch"))
    if dispatch is None or document.get("status") not in statuses:
        return False
    jobs.cancel(dispatch.endpoint, dispatch.job_id)
    return True
