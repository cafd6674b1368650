"""Files in Firebase Storage, which is Google Cloud Storage: private objects with secret addresses.

No object is ever made public. Names are created, never overwritten: a retry after a lost reply
finds the object, compares its checksum and takes it as its own.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth
from google.cloud import storage

from gpu_worker.adapters.patience import call_patiently
from gpu_worker.adapters.storage_urls import DownloadUrls, TokenUrls
from shared.ports import AlreadyExists, Missing, StoredObject, TooLarge

#: One try of one call; a film of 10 MB over 10 Mbit/s takes 8 s.
CALL_TIMEOUT_SECONDS = 30.0
#: All tries of one call. Longer than Firestore's, because a picture made is worth waiting for.
PATIENCE_SECONDS = 60.0
#: The content never changes under its name, so a phone may keep it for good.
CACHE_CONTROL = "private, max-age=31536000, immutable"

TRANSIENT = (
    google.ServerError,
    google.TooManyRequests,
    google.RetryError,
    requests.ConnectionError,
    requests.Timeout,
    # The connection broke in the middle of an answer.
    requests.exceptions.ChunkedEncodingError,
    # The service that hands out access tokens could not be reached.
    auth.TransportError,
)
T = TypeVar("T")


class FirebaseStorage:
    """An `ObjectStore` over one bucket; `urls` says how phones download from it."""

    def __init__(
        self,
        client: storage.Client,
        bucket: str,
        *,
        urls: DownloadUrls | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._bucket = client.bucket(bucket)
        self._urls = urls or TokenUrls()
        self._patience_seconds = patience_seconds

    def create(self, name: str, data: bytes, *, content_type: str) -> StoredObject:
        blob = self._bucket.blob(name)
        blob.cache_control = CACHE_CONTROL
        blob.metadata = dict(self._urls.metadata())
        try:
            self._call(
                lambda: blob.upload_from_string(
                    data,
                    content_type=content_type,
                    if_generation_match=0,
                    checksum="md5",
                    timeout=CALL_TIMEOUT_SECONDS,
                    retry=None,
                )
            )
        except google.PreconditionFailed:
            return self._existing(name, data)
        return self._stored(blob, content_type, len(data))

    def read(self, name: str, *, max_bytes: int | None = None) -> bytes:
        try:
            content: bytes = self._call(
                lambda: self._bucket.blob(name).download_as_bytes(
                    # One byte more than wanted, as a range, tells that there is more.
                    end=max_bytes,
                    # As it lies there. Unpacked, a compressed file of an owner's could be of any
                    # size, and the service does not keep to a range of it.
                    raw_download=True,
                    timeout=CALL_TIMEOUT_SECONDS,
                    retry=None,
                )
            )
        except google.NotFound as error:
            raise Missing(name) from error
        except google.RequestRangeNotSatisfiable:
            return b""  # an empty object has no first byte
        if max_bytes is not None and len(content) > max_bytes:
            raise TooLarge(name)
        return content

    def delete(self, name: str, *, generation: Any = None) -> None:
        try:
            self._call(
                lambda: self._bucket.blob(name).delete(
                    timeout=CALL_TIMEOUT_SECONDS, retry=None, if_generation_match=generation
                )
            )
        except (google.NotFound, google.PreconditionFailed):
            return

    def _existing(self, name: str, data: bytes) -> StoredObject:
        blob = self._call(
            lambda: self._bucket.get_blob(name, timeout=CALL_TIMEOUT_SECONDS, retry=None)
        )
        # MD5 is what the service reports; it compares bytes here and protects nothing.
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        if blob is None or blob.md5_hash != md5:
            raise AlreadyExists(name)
        return self._stored(blob, blob.content_type, len(data))

    def _stored(self, blob: Any, content_type: str, size_bytes: int) -> StoredObject:
        return StoredObject(
            name=blob.name,
            url=self._urls.url(blob),
            content_type=content_type,
            size_bytes=size_bytes,
            generation=blob.generation,
        )

    def _call(self, request: Callable[[], T]) -> T:
        return call_patiently(
            request,
            service="Storage",
            transient=TRANSIENT,
            patience_seconds=self._patience_seconds,
        )
