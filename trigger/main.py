"""Cloud Functions entry point: which functions there are, and what their runs leave in the log.

What they do is wired in `trigger.wiring`, imported on the first event: the deployment tool, which
imports this file to find the functions, needs no credentials and no network.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from firebase_functions import core, firestore_fn, options, params, pubsub_fn, scheduler_fn
from google.cloud.firestore_v1 import DocumentSnapshot

from shared.json_log import facts_of
from shared.message import MalformedMessage, NewerSchema
from shared.paths import DOCUMENT_PATTERN, IMAGE_TOPIC, NOTICE_PATTERN, VIDEO_TOPIC, GenerationPath
from trigger.adapters.document_event import with_fields_only
from trigger.endpoints import BY_TOPIC, KEY_VARIABLE, is_dispatched
from trigger.notification_settings import SWITCH

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

#: Topics whose generations go to RunPod. The deployment tool reads the same settings when it looks
#: for functions: without any, none of those below is deployed and no secret is asked for.
DISPATCHED = frozenset(topic for topic in BY_TOPIC if is_dispatched(topic, os.environ))
#: For the functions that talk to RunPod, and for no other.
SECRETS = [params.SecretParam(KEY_VARIABLE, label="API key of RunPod")] if DISPATCHED else None
#: Five calls one after the other, each retried as long as it may be.
DISPATCH_TIMEOUT_SECONDS = 90

#: Whether devices are told of ends; if not, there is no function that does.
NOTIFIES = os.environ.get(SWITCH) == "on"

#: Where files lie in S3, boto looks for its credentials in variables of these names.
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
#: Of the functions that remove files and end what runs at RunPod.
CLEANING_SECRETS = [
    *(SECRETS or ()),
    *(params.SecretParam(name) for name in S3_KEYS if os.environ.get("EMBERFRAME_STORE") == "s3"),
] or None

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
#: Of the one that hears of notices, which are of the server's making: small, and one an end.
OF_A_NOTICE: Mapping[str, Any] = {
    **OF_A_DOCUMENT,
    "document": NOTICE_PATTERN,
    "memory": options.MemoryOption.MB_256,
}
OfAMessage: TypeAlias = core.CloudEvent[pubsub_fn.MessagePublishedData[Any]]
#: Of a function that hands generations to RunPod, which takes 200 such calls at once.
OF_A_MESSAGE: Mapping[str, Any] = {
    "region": REGION,
    "memory": options.MemoryOption.MB_256,
    "cpu": 1,
    "timeout_sec": DISPATCH_TIMEOUT_SECONDS,
    "max_instances": MAX_INSTANCES,
    "concurrency": CONCURRENCY,
    "secrets": SECRETS,
    "retry": True,
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


@with_fields_only("status", "lease", "charge", "dispatch")
@firestore_fn.on_document_deleted(**OF_A_DOCUMENT, secrets=CLEANING_SECRETS)
def cleanup(event: firestore_fn.Event[DocumentSnapshot[Any] | None]) -> None:
    """A generation was deleted, by its owner or because its time was over: its files go too,
    what was reserved for it is given back, and nobody works on it any more."""
    path = event.document
    deleted = (event.data.to_dict() if event.data else None) or {}

    def run() -> Facts:
        from shared.lease import Lease  # noqa: PLC0415
        from trigger.wiring import clean_up, give_back  # noqa: PLC0415

        last_token = Lease.from_document(deleted.get("lease")).token
        released = give_back()(path, deleted)
        return {"released": released, "removed": clean_up()(path, last_token)}

    def run_withdrawal() -> Facts:
        from trigger.wiring import withdraw_deleted  # noqa: PLC0415

        return {"cancelled": withdraw_deleted()(deleted)}

    _all_logged({"cleanup": run, **({"withdraw": run_withdrawal} if DISPATCHED else {})}, path)


@scheduler_fn.on_schedule(
    schedule="* * * * *",
    region=REGION,
    memory=options.MemoryOption.MB_512,
    cpu=1,
    timeout_sec=SWEEP_TIMEOUT_SECONDS,
    max_instances=MAX_SWEEPS,
    concurrency=1,
    retry_count=0,  # the next minute is the retry
    secrets=CLEANING_SECRETS,
)
def sweep(_event: scheduler_fn.ScheduledEvent) -> None:
    """Every minute: bring home what was lost, tell those who wait where they stand, remove files
    that nobody refers to, give back what is reserved for generations that are no more."""

    def run() -> Facts:
        from trigger.wiring import sweep  # noqa: PLC0415

        swept = sweep()()
        return {**swept.counts, "faults": len(swept.faults)}

    def run_places() -> Facts:
        from trigger.wiring import tell_places  # noqa: PLC0415

        placed = tell_places()()
        lengths = {f"waiting_{kind}": load.waiting for kind, load in placed.loads.items()}
        return {**lengths, "told": placed.told, "faults": len(placed.faults)}

    def run_collection() -> Facts:
        from trigger.wiring import collect  # noqa: PLC0415

        return {"removed": collect()().removed}

    def run_reconciliation() -> Facts:
        from trigger.wiring import reconcile_all  # noqa: PLC0415

        done = reconcile_all()()
        return {"released": done.released, "faults": len(done.faults)}

    def run_notices() -> Facts:
        from trigger.wiring import tell_overdue  # noqa: PLC0415

        told = tell_overdue()()
        return {**told.counts, "faults": len(told.faults)}

    _all_logged(
        {
            "sweep": run,
            "queue": run_places,
            "collect": run_collection,
            "reconcile": run_reconciliation,
            **({"notify": run_notices} if NOTIFIES else {}),
        }
    )


if NOTIFIES:

    @firestore_fn.on_document_created(**OF_A_NOTICE)
    def notify(event: firestore_fn.Event[DocumentSnapshot[Any] | None]) -> None:
        """A generation has ended: tell its owner's devices."""
        path = GenerationPath.of_notice(event.document)
        if path is None:
            return  # of a form that no generation has: not ours

        def run() -> Facts:
            from trigger.wiring import notifier  # noqa: PLC0415

            done = notifier().notify(path)
            return {
                "outcome": done.outcome,
                "told": done.told,
                "stale": done.stale,
                "refused": done.refused,
                "waiting": done.waiting,
            }

        _logged("notify", run, generation=str(path))


def _dispatch(event: OfAMessage) -> None:
    """A generation may want work: hand it to RunPod, unless somebody has it already."""
    from trigger.adapters.message_event import read_message  # noqa: PLC0415

    path, comes_again = None, False
    try:
        path = read_message(event).path
    except (MalformedMessage, NewerSchema) as error:
        fields = {**facts_of(error), "reason": str(error)}
        LOG.error("dispatch", extra={"fields": fields})  # noqa: TRY400
        # The next release reads the second; no later delivery makes the first one of ours.
        comes_again = isinstance(error, NewerSchema)
    if comes_again:
        raise Failed
    if path is None:
        return

    def run() -> Facts:
        from trigger.wiring import dispatcher  # noqa: PLC0415

        handed = dispatcher().dispatch(path)
        return {"outcome": handed.outcome, "job": handed.job_id}

    _logged("dispatch", run, generation=str(path))


if IMAGE_TOPIC in DISPATCHED:

    @pubsub_fn.on_message_published(topic=IMAGE_TOPIC, **OF_A_MESSAGE)
    def dispatch_image(event: OfAMessage) -> None:
        """Of a request for pictures."""
        _dispatch(event)


if VIDEO_TOPIC in DISPATCHED:

    @pubsub_fn.on_message_published(topic=VIDEO_TOPIC, **OF_A_MESSAGE)
    def dispatch_video(event: OfAMessage) -> None:
        """Of a request for films."""
        _dispatch(event)


def _all_logged(runs: Mapping[str, Callable[[], Facts]], generation: str | None = None) -> None:
    """`_logged` of each; one that fails has no part in the others, but fails the whole."""
    fields = {"generation": generation} if generation else {}
    failed = False
    for what, action in runs.items():
        try:
            _logged(what, action, **fields)
        except Failed:
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
