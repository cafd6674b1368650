"""Files in an S3-compatible bucket: private objects with presigned URLs.

Names are created, never overwritten (`If-None-Match: *`): a retry after a lost reply finds the
object, compares its checksum and takes it as its own. A generation is the ETag. Bounds: the
timeouts of `s3_client`, PATIENCE_SECONDS for all tries of a call.
"""

import base64
import hashlib
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from botocore.exceptions import ClientError, IncompleteReadError

from gpu_worker.adapters.s3_client import PassingFault, call_store
from gpu_worker.adapters.storage import CACHE_CONTROL, PATIENCE_SECONDS
from shared.ports import AlreadyExists, Missing, StoredObject, TooLarge
from shared.s3_answers import SHA256_KEY, is_beyond_the_end, is_lacking, is_missing, is_other

T = TypeVar("T")


class S3Objects:
    """An `ObjectStore` over one bucket. Its URLs are good for `url_seconds`, at most 7 days."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        *,
        url_seconds: int,
        signer: Any = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`signer` is a client of the address that phones know the store by, if it is another."""
        self._client = client
        self._signer = signer or client
        self._bucket = bucket
        self._url_seconds = url_seconds
        self._patience_seconds = patience_seconds

    @property
    def download_base(self) -> str:
        """What every URL begins with; the object's name follows, percent-encoded."""
        return self._url("x").partition("?")[0].removesuffix("x")

    def create(self, name: str, data: bytes, *, content_type: str) -> StoredObject:
        # MD5 is what every store compares with what arrived; it protects nothing.
        md5 = hashlib.md5(data, usedforsecurity=False).digest()
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            answer = self._call(
                lambda: self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=data,
                    ContentType=content_type,
                    CacheControl=CACHE_CONTROL,
                    ContentMD5=base64.b64encode(md5).decode(),
                    Metadata={SHA256_KEY: sha256},
                    IfNoneMatch="*",
                )
            )
        except ClientError as error:
            if not is_other(error.response):
                raise
            return self._existing(name, sha256)
        return self._stored(name, content_type, len(data), answer["ETag"])

    def read(self, name: str, *, max_bytes: int | None = None) -> bytes:
        try:
            return self._call(lambda: self._download(name, max_bytes))
        except ClientError as error:
            if is_missing(error.response):
                raise Missing(name) from error
            if is_beyond_the_end(error.response):
                return b""  # an empty object has no first byte
            raise

    def delete(self, name: str, *, generation: Any = None) -> None:
        try:
            self._call(lambda: self._remove(name, generation))
        except ClientError as error:
            if not (is_missing(error.response) or is_other(error.response)):
                raise

    def _existing(self, name: str, sha256: str) -> StoredObject:
        try:
            found = self._call(lambda: self._client.head_object(Bucket=self._bucket, Key=name))
        except ClientError as error:
            if not is_missing(error.response):
                raise
            raise AlreadyExists(name) from error
        if found["Metadata"].get(SHA256_KEY) != sha256:
            raise AlreadyExists(name)
        return self._stored(name, found["ContentType"], found["ContentLength"], found["ETag"])

    def _download(self, name: str, max_bytes: int | None) -> bytes:
        # One byte more than wanted, as a range, tells that there is more.
        range_ = {} if max_bytes is None else {"Range": f"bytes=0-{max_bytes}"}
        answer = self._client.get_object(Bucket=self._bucket, Key=name, **range_)
        # Its own context manager would hand out what lies below it, whose errors are not boto's.
        with closing(answer["Body"]) as body:
            if max_bytes is not None and answer["ContentLength"] > max_bytes:
                raise TooLarge(name)
            content: bytes = body.read()
        if len(content) != answer["ContentLength"]:
            raise IncompleteReadError(
                actual_bytes=len(content), expected_bytes=answer["ContentLength"]
            )
        # What others uploaded has none.
        wanted = answer["Metadata"].get(SHA256_KEY)
        if wanted is not None and wanted != hashlib.sha256(content).hexdigest():
            raise PassingFault
        return content

    def _remove(self, name: str, etag: str | None) -> None:
        place = {"Bucket": self._bucket, "Key": name}
        if etag is None:
            self._client.delete_object(**place)
            return
        # Looked at first: some stores pass over the condition of a removal in silence.
        if self._client.head_object(**place)["ETag"] != etag:
            return
        try:
            self._client.delete_object(**place, IfMatch=etag)
        except ClientError as error:
            if not is_lacking(error.response):
                raise
            self._client.delete_object(**place)

    def _url(self, name: str) -> str:
        url: str = self._signer.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": name},
            ExpiresIn=self._url_seconds,
        )
        return url

    def _stored(self, name: str, content_type: str, size_bytes: int, etag: str) -> StoredObject:
        return StoredObject(
            name=name,
            url=self._call(lambda: self._url(name)),
            content_type=content_type,
            size_bytes=size_bytes,
            generation=etag,
        )

    def _call(self, request: Callable[[], T]) -> T:
        return call_store(request, patience_seconds=self._patience_seconds)
