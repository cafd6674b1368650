"""Opens the object store that the settings choose, and says which addresses lead into it.

boto3 is loaded for S3 only. What is wrong is said before a model is loaded, in a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials, Signing
from google.cloud import storage

from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.adapters.storage_urls import PUBLIC_HOST, SignedUrls, TokenUrls
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.settings import Settings
from gpu_worker.store_settings import StoreKind, StoreSettings
from shared.ports import ObjectStore
from shared.s3_answers import MAX_URL_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """One bucket."""

    objects: ObjectStore
    #: Its own addresses among them.
    served: ServedAddresses


class StoreFault(Exception):
    """The store cannot be used as it is set; the text says so to the operator."""


def check_store(settings: Settings, choice: StoreSettings) -> None:
    """Raises `StoreFault` if there are no credentials that can store, or none that can sign where
    addresses have to be signed. Whether they are allowed to, only the store can say."""
    if choice.store is StoreKind.S3:
        _check_s3(choice)
    elif choice.url_seconds is not None:
        _signing(settings, choice.url_seconds)


def open_store(settings: Settings, choice: StoreSettings) -> Store:
    """The store, with the credentials of the environment, which `check_store` has found."""
    if choice.store is StoreKind.S3:
        return _s3(settings, choice)
    return _firebase(settings, choice)


def _firebase(settings: Settings, choice: StoreSettings) -> Store:
    # None: the client finds the environment's own.
    credentials = AnonymousCredentials() if settings.emulated else None
    client = storage.Client(project=settings.project, credentials=credentials)
    bucket = settings.bucket_name
    host = settings.storage_emulator or PUBLIC_HOST
    # Phones upload through Firebase's SDKs and hand on what these call such a file.
    served = ServedAddresses(bucket=bucket, download_host=host, hosts=settings.image_hosts)
    if choice.url_seconds is None:
        objects = FirebaseStorage(client, bucket, urls=TokenUrls(host))
    else:
        signed = SignedUrls(_signing(settings, choice.url_seconds), choice.url_seconds)
        objects = FirebaseStorage(client, bucket, urls=signed)
        served = replace(served, signed_base=signed.base(bucket))
    return Store(objects=objects, served=served)


def _signing(settings: Settings, url_seconds: int) -> Signing:
    credentials = None if settings.emulated else google.auth.default()[0]
    if isinstance(credentials, Signing):
        return credentials
    raise StoreFault(
        f"EMBERFRAME_URL_SECONDS is {url_seconds}, and there is no key to sign addresses with: "
        "GOOGLE_APPLICATION_CREDENTIALS must be the path of a service account's key file, or "
        "EMBERFRAME_URL_SECONDS not set, for addresses that stay good"
    )


def _s3(settings: Settings, choice: StoreSettings) -> Store:
    from gpu_worker.adapters.s3 import S3Objects  # noqa: PLC0415

    client_of = s3_clients(choice)
    public = choice.s3_public_endpoint
    objects = S3Objects(
        client_of(choice.s3_endpoint),
        choice.s3_bucket_name,
        url_seconds=choice.url_seconds or MAX_URL_SECONDS,
        signer=client_of(public) if public else None,
    )
    served = ServedAddresses(
        bucket=choice.s3_bucket_name,
        scheme="s3",
        signed_base=objects.download_base,
        hosts=settings.image_hosts,
    )
    return Store(objects=objects, served=served)


def s3_clients(choice: StoreSettings) -> Callable[[str | None], Any]:
    """Makes a client of an endpoint."""
    from gpu_worker.adapters.s3_client import s3_client  # noqa: PLC0415

    return lambda endpoint: s3_client(
        endpoint=endpoint, region=choice.s3_region, path_style=choice.s3_path_style
    )


def _check_s3(choice: StoreSettings) -> None:
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        session = boto3.session.Session()
        found, region = session.get_credentials(), choice.s3_region or session.region_name
    except BotoCoreError as error:
        # Without its words, which may quote a file.
        raise StoreFault(f"boto's configuration cannot be read: {type(error).__name__}") from None
    if found is None:
        raise StoreFault(
            "there are no S3 credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, "
            "or boto must find others (a profile, a role of the machine)"
        )
    if choice.s3_endpoint is None and region is None:
        raise StoreFault(
            "EMBERFRAME_S3_REGION is not set, nor does boto know one: it must be the region of the "
            "bucket, for which addresses are signed"
        )
