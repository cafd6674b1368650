"""Cloud Functions entry point: wires the use case to Firestore and Pub/Sub, and nothing else.

Clients are built on the first event and kept: the deployment tool, which imports this file to find
the functions, needs no credentials and no network.
"""

import functools
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from firebase_functions import firestore_fn, options
from google.cloud.firestore_v1 import DocumentSnapshot

from shared.paths import DOCUMENT_PATTERN
from trigger.adapters.created_event import with_status_only

#: Where the function runs: next to the database, whose events it cannot receive from elsewhere.
REGION = os.environ.get("EMBERFRAME_REGION", "us-central1")
#: The longest chain of retried calls (a read, a publish, a write) fits twice.
TIMEOUT_SECONDS = 60
#: functions-framework serves 4 threads a CPU; the function waits for the network most of the time.
CONCURRENCY = 4
#: 20 × 4 events of ~50 ms are over a thousand a second; the bound keeps a flood from being a bill.
MAX_INSTANCES = 20

LOG = logging.getLogger("trigger")

Enqueue = Callable[[str, Mapping[str, Any]], str]


@with_status_only
@firestore_fn.on_document_created(
    document=DOCUMENT_PATTERN,
    region=REGION,
    memory=options.MemoryOption.MB_256,
    cpu=1,
    timeout_sec=TIMEOUT_SECONDS,
    max_instances=MAX_INSTANCES,
    concurrency=CONCURRENCY,
)
def enqueue(event: firestore_fn.Event[DocumentSnapshot[Any] | None]) -> None:
    """A client created a generation: publish it to the workers, or end it with a reason."""
    path = event.document
    started = time.monotonic()
    created = (event.data.to_dict() if event.data else None) or {}
    try:
        outcome = _wired()(path, created)
    except Exception as error:
        # Not the error's text, as `exception` would: it may quote what the person wrote.
        _log(logging.ERROR, path, error=type(error).__name__, where=_where(error))
        raise  # the platform delivers the event again where retries are on; else the sweep comes
    seconds = round(time.monotonic() - started, 3)
    _log(logging.INFO, path, outcome=outcome, seconds=seconds)


@functools.cache
def _wired() -> Enqueue:
    """The use case with real adapters; imports, connects and logs on the first event only."""
    from google.cloud import firestore  # noqa: PLC0415

    from shared.json_log import log_json  # noqa: PLC0415
    from shared.request import DEFAULT_MAX_IMAGES  # noqa: PLC0415
    from trigger.adapters.firestore import FirestoreDocuments  # noqa: PLC0415
    from trigger.adapters.pubsub import (  # noqa: PLC0415
        PubSubPublisher,
        unbatched_publisher_client,
    )
    from trigger.enqueue import enqueue as handle  # noqa: PLC0415

    log_json()
    client = firestore.Client()
    return functools.partial(
        handle,
        documents=FirestoreDocuments(client),
        publisher=PubSubPublisher(unbatched_publisher_client(), client.project),
        # The worker reads the same variable; both have to be told the same.
        max_images=int(os.environ.get("EMBERFRAME_MAX_IMAGES") or DEFAULT_MAX_IMAGES),
    )


def _log(level: int, path: str, **facts: str | float) -> None:
    LOG.log(level, "enqueue", extra={"fields": {"generation": path, **facts}})


def _where(error: BaseException) -> str:
    """The innermost frame, without its local values or the error's text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
