"""`ObjectListing` over an S3-compatible bucket: a page at a time.

A page's token is the name that it goes on behind, so it never gets too old. Bounds are those of
`trigger.adapters.transient`: ATTEMPT_TIMEOUT_SECONDS, RETRY_SECONDS; botocore repeats nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore import exceptions as boto
from botocore.config import Config
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry

from shared.ports import ListedObject, Missing, ObjectPage, Rejected, Unavailable
from shared.s3_answers import is_bad_request, is_lacking, is_missing, is_other, passes
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS, RETRY
from trigger.stores import S3Place

TRANSIENT = (
    # No connection, or one that broke.
    boto.ConnectionError,
    boto.HTTPClientError,
    # The service that hands out credentials could not be reached.
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
)
T = TypeVar("T")


def _is_passing(error: Exception) -> bool:
    if isinstance(error, boto.ClientError):
        return passes(error.response)
    return isinstance(error, TRANSIENT)


S3_RETRY = RETRY.with_predicate(_is_passing)


def s3_client(place: S3Place) -> Any:
    """Credentials are those that boto's own chain finds."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=place.endpoint,
        region_name=place.region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if place.path_style else "virtual"},
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=ATTEMPT_TIMEOUT_SECONDS,
            read_timeout=ATTEMPT_TIMEOUT_SECONDS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


class S3Listing:
    """Objects of `bucket`, through `client` (boto3's). A generation is the ETag."""

    def __init__(self, client: Any, bucket: str, retry: Retry = S3_RETRY) -> None:
        self._client = client
        self._bucket = bucket
        self._retry = retry

    def page(self, prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        if page is not None and not page.startswith(prefix):
            raise Rejected("the page's token is not of this listing")  # another store's, say
        behind = {} if page is None else {"StartAfter": page}
        answer = self._call(
            f"a listing of {self._bucket}",
            lambda: self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=limit, **behind
            ),
        )
        objects = [
            ListedObject(name=one["Key"], created_at=one["LastModified"], generation=one["ETag"])
            for one in answer.get("Contents", ())
        ]
        more = answer["IsTruncated"] and objects
        return ObjectPage(objects=objects, next_page=objects[-1].name if more else None)

    def delete(self, name: str, *, generation: Any = None) -> None:
        self._call("a file's removal", lambda: self._remove(name, generation))

    def _remove(self, name: str, etag: str | None) -> None:
        place = {"Bucket": self._bucket, "Key": name}
        try:
            if etag is None:
                self._client.delete_object(**place)
            # Looked at first: some stores pass over the condition of a removal in silence.
            elif self._client.head_object(**place)["ETag"] == etag:
                self._remove_if_same(place, etag)
        except boto.ClientError as error:
            if not (is_missing(error.response) or is_other(error.response)):
                raise

    def _remove_if_same(self, place: dict[str, str], etag: str) -> None:
        try:
            self._client.delete_object(**place, IfMatch=etag)
        except boto.ClientError as error:
            if not is_lacking(error.response):
                raise
            self._client.delete_object(**place)

    def _call(self, what: str, request: Callable[[], T]) -> T:
        try:
            answer: T = self._retry(request)()
        except RetryError as error:
            # Not its text, which may hold the object's address.
            kind = type(error.cause).__name__
            raise Unavailable(f"Storage did not answer for {what}: {kind}") from None
        except boto.ClientError as error:
            if is_missing(error.response):
                raise Missing(f"there is no bucket for {what}") from None
            if is_bad_request(error.response):
                raise Rejected(f"Storage does not take {what}") from None
            raise
        return answer
