"""The use cases with real adapters: clients are built when first asked for, and kept.

Importing this connects to nothing, but loads Google's libraries; the file store's, which a new
document does not need, only with its client.
"""

import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud import firestore

from shared.clock import SystemClock
from shared.json_log import log_json
from shared.ports import ObjectListing
from shared.serverless import ServerlessJobs
from trigger import cleanup as cleaning
from trigger import collect as collecting
from trigger import enqueue as enqueuing
from trigger import overdue_notices as notifying
from trigger import queue_places
from trigger import reconcile as reconciling
from trigger import sweep as sweeping
from trigger import withdraw as withdrawing
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_notices import FirestoreNotices
from trigger.adapters.firestore_queue import FirestoreQueueSearch
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.pubsub import PubSubPublisher, unbatched_publisher_client
from trigger.dispatch import Dispatcher
from trigger.endpoints import (
    BY_TOPIC,
    KEY_VARIABLE,
    base_url_from,
    endpoints_from,
    is_dispatched,
)
from trigger.first_place import FirstPlaces
from trigger.notification_settings import double_from, is_on, wording_from
from trigger.notify import Notifier
from trigger.settings import admission_from, limits_from
from trigger.stores import s3_from

ADMISSION = admission_from(os.environ)

#: None: there are no quotas.
LIMITS = limits_from(os.environ)

#: Whether devices are told of ends.
NOTIFIES = is_on(os.environ)


@functools.cache
def enqueue() -> Callable[[str, Mapping[str, Any]], enqueuing.Outcome]:
    """`trigger.enqueue.enqueue` of a path and of the document as it was created."""
    return functools.partial(
        enqueuing.enqueue,
        documents=FirestoreDocuments(_client()),
        publisher=_publisher(),
        admission=ADMISSION,
        limits=LIMITS,
        places=FirstPlaces(
            FirestoreDocuments(_client()), FirestoreQueueSearch(_client()), SystemClock()
        ),
        notify=NOTIFIES,
    )


@functools.cache
def tell_places() -> Callable[[], queue_places.Placed]:
    return functools.partial(
        queue_places.tell_places,
        documents=FirestoreDocuments(_client()),
        search=FirestoreQueueSearch(_client()),
        clock=SystemClock(),
    )


@functools.cache
def sweep() -> Callable[[], sweeping.Swept]:
    return functools.partial(
        sweeping.sweep,
        documents=FirestoreDocuments(_client()),
        search=FirestoreSearch(_client()),
        publisher=_publisher(),
        clock=SystemClock(),
        admission=ADMISSION,
        limits=LIMITS,
        jobs=_jobs() if any(is_dispatched(topic, os.environ) for topic in BY_TOPIC) else None,
        notify=NOTIFIES,
    )


@functools.cache
def notifier() -> Notifier:
    from trigger.adapters.fcm import FcmAccess, FcmPush  # noqa: PLC0415
    from trigger.adapters.fcm_access import fcm_access  # noqa: PLC0415

    def connect() -> FcmAccess:
        return fcm_access(double_from(os.environ), _client().project)

    return Notifier(
        documents=FirestoreDocuments(_client()),
        search=FirestoreSearch(_client()),
        notices=FirestoreNotices(_client()),
        push=FcmPush(connect),
        clock=SystemClock(),
        wording=wording_from(os.environ),
    )


@functools.cache
def tell_overdue() -> Callable[[], notifying.Telling]:
    return functools.partial(
        notifying.tell_overdue,
        notifier=notifier(),
        notices=FirestoreNotices(_client()),
        clock=SystemClock(),
    )


@functools.cache
def dispatcher() -> Dispatcher:
    return Dispatcher(
        documents=FirestoreDocuments(_client()),
        jobs=_jobs(),
        endpoints=endpoints_from(os.environ),
        admission=ADMISSION,
    )


@functools.cache
def withdraw_deleted() -> Callable[[Mapping[str, Any]], bool]:
    """`trigger.withdraw.withdraw_deleted` of a document as it was deleted."""
    return functools.partial(withdrawing.withdraw_deleted, jobs=_jobs())


@functools.cache
def collect() -> Callable[[], collecting.Collected]:
    return functools.partial(
        collecting.collect,
        documents=FirestoreDocuments(_client()),
        search=FirestoreSearch(_client()),
        files=_files(),
        clock=SystemClock(),
    )


@functools.cache
def clean_up() -> Callable[[str, int], int]:
    """`trigger.cleanup.clean_up` of a path and of the last token under it."""
    return functools.partial(cleaning.clean_up, files=_files())


@functools.cache
def give_back() -> Callable[[str, Mapping[str, Any]], int]:
    """`trigger.reconcile.give_back` of a path and of the document as it was deleted."""
    return functools.partial(
        reconciling.give_back,
        documents=FirestoreDocuments(_client()),
        search=FirestoreSearch(_client()),
    )


@functools.cache
def reconcile_all() -> Callable[[], reconciling.Reconciled]:
    return functools.partial(
        reconciling.reconcile_all,
        documents=FirestoreDocuments(_client()),
        search=FirestoreSearch(_client()),
        clock=SystemClock(),
    )


@functools.cache
def _client() -> firestore.Client:
    log_json()
    return firestore.Client()


@functools.cache
def _publisher() -> PubSubPublisher:
    return PubSubPublisher(unbatched_publisher_client(), _client().project)


@functools.cache
def _jobs() -> ServerlessJobs:
    from trigger.adapters.runpod import RunPodJobs, runpod_client  # noqa: PLC0415

    def connect() -> Any:
        return runpod_client(os.environ.get(KEY_VARIABLE, ""), base_url_from(os.environ))

    return RunPodJobs(connect)


@functools.cache
def _files() -> ObjectListing:
    return files_of(os.environ, _client().project)


def files_of(environment: Mapping[str, str], project: str) -> ObjectListing:
    """The bucket that the worker stores in. Raises `WrongSetting`."""
    s3 = s3_from(environment)
    if s3 is not None:
        from trigger.adapters.s3 import S3Listing, s3_client  # noqa: PLC0415

        return S3Listing(s3_client(s3), s3.bucket)
    from google.cloud import storage  # noqa: PLC0415

    from trigger.adapters.storage import StorageListing  # noqa: PLC0415

    return StorageListing(storage.Client(project=project), bucket_of(environment, project))


def bucket_of(environment: Mapping[str, str], project: str) -> str:
    """The bucket of Firebase Storage: as we are told, as the platform tells, or as it is named."""
    told = environment.get("EMBERFRAME_BUCKET")
    by_platform = json.loads(environment.get("FIREBASE_CONFIG") or "{}").get("storageBucket")
    return told or by_platform or f"{project}.firebasestorage.app"
