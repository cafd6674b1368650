"""Cloud Functions entry point: which functions there are, and what their runs leave in the log.

What they do is wired in `trigger.wiring`, imported on the first event: the deployment tool, which
imports this file to find the functions, needs no credentials and no network.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from firebase_functions import firestore_fn, options, scheduler_fn
from google.cloud.firestore_v1 import DocumentSnapshot

from shared.json_log import facts_of
from shared.paths import DOCUMENT_PATTERN
from trigger.adapters.document_event import with_fields_only

#: Where the functions run: next to the database, whose events they cannot receive from elsewhere.
REGION = os.environ.get("EMBERFRAME_REGION", "us-central1")
#: The longest chain of retried calls (a read, a publish, a write) fits twice.
TIMEOUT_SECONDS = 60
#: What a sweep begins in its RUN_SECONDS ends within it, every call retried; so does a page of
#: files. The next run does not wait for it.
SWEEP_TIMEOUT_SECONDS = 180
#: functions-framework serves 4 threads a CPU; the function waits for the network most of the time.
CONCURRENCY = 4
#: Four documents of 400 000 empty maps, read at once, take 630 MB; the CPU costs ten times as much.
MEMORY = options.MemoryOption.GB_1
#: 20 × 4 events of ~50 ms are over a thousand a second; the bound keeps a flood from being a bill.
MAX_INSTANCES = 20
#: One that runs and one that is late.
MAX_SWEEPS = 2

#: Of a function that hears what becomes of generations.
OF_A_DOCUMENT: Mapping[str, Any] = {
    "document": DOCUMENT_PATTERN,
    "region": REGION,
    "memory": MEMORY,
    "cpu": 1,
    "timeout_sec": TIMEOUT_SECONDS,
    "max_instances": MAX_INSTANCES,
    "concurrency": CONCURRENCY,
}

LOG = logging.getLogger("trigger")


class Failed(RuntimeError):
    """The run failed; the line before this one says where."""

    def __str__(self) -> str:
        return self.__doc__ or ""


#: What is worth saying about a run.
Facts = Mapping[str, str | int]


@with_fields_only("status")
@firestore_fn.on_document_created(**OF_A_DOCUMENT)
def enqueue(event: firestore_fn.Event[DocumentSnapshot[Any] | None]) -> None:
    """A client created a generation: publish it to the workers, or end it with a reason."""
    path = event.document
    created = (event.data.to_dict() if event.data else None) or {}

    def run() -> Facts:
        from trigger.wiring import enqueue  # noqa: PLC0415

        return {"outcome": enqueue()(path, created)}

    _logged("enqueue", run, generation=path)


@with_fields_only("lease", "charge")
@firestore_fn.on_document_deleted(**OF_A_DOCUMENT)
def cleanup(event: firestore_fn.Event[DocumentSnapshot[Any] | None]) -> None:
    """A generation was deleted, by its owner or because its time was over: its files go too,
    and what was reserved for it is given back."""
    path = event.document
    deleted = (event.data.to_dict() if event.data else None) or {}

    def run() -> Facts:
        from shared.lease import Lease  # noqa: PLC0415
        from trigger.wiring import clean_up, give_back  # noqa: PLC0415

        last_token = Lease.from_document(deleted.get("lease")).token
        released = give_back()(path, deleted)
        return {"released": released, "removed": clean_up()(path, last_token)}

    _logged("cleanup", run, generation=path)


@scheduler_fn.on_schedule(
    schedule="* * * * *",
    region=REGION,
    memory=options.MemoryOption.MB_512,
    cpu=1,
    timeout_sec=SWEEP_TIMEOUT_SECONDS,
    max_instances=MAX_SWEEPS,
    concurrency=1,
    retry_count=0,  # the next minute is the retry
)
def sweep(_event: scheduler_fn.ScheduledEvent) -> None:
    """Every minute: bring home what was lost, remove files that nobody refers to, give back what is
    reserved for generations that are no more."""

    def run() -> Facts:
        from trigger.wiring import sweep  # noqa: PLC0415

        swept = sweep()()
        return {**swept.counts, "faults": len(swept.faults)}

    def run_collection() -> Facts:
        from trigger.wiring import collect  # noqa: PLC0415

        return {"removed": collect()().removed}

    def run_reconciliation() -> Facts:
        from trigger.wiring import reconcile_all  # noqa: PLC0415

        done = reconcile_all()()
        return {"released": done.released, "faults": len(done.faults)}

    failed = False
    runs = {"sweep": run, "collect": run_collection, "reconcile": run_reconciliation}
    for what, action in runs.items():
        try:
            _logged(what, action)
        except Failed:  # the others have no part in it
            failed = True
    if failed:
        raise Failed


def _logged(what: str, action: Callable[[], Facts], **fields: str) -> None:
    """Run `action` and log what came of it, or where it failed."""
    started = time.monotonic()
    outcome: Facts | None = None
    try:
        outcome = action()
    except Exception as error:  # noqa: BLE001 (logged without its text, and told as `Failed`)
        LOG.error(what, extra={"fields": {**fields, **facts_of(error)}})  # noqa: TRY400
    if outcome is None:
        # The platform delivers the event again where retries are on; else the sweep comes. Its
        # wrapper logs what it is told, with all that this quotes and was raised from: so, nothing.
        raise Failed
    seconds = round(time.monotonic() - started, 3)
    LOG.info(what, extra={"fields": {**fields, **outcome, "seconds": seconds}})
