"""`ObjectListing` over a google-cloud-storage client: one bucket, a page at a time.

A page's token is Google's own. Bounds: ATTEMPT_TIMEOUT_SECONDS and RETRY_SECONDS, as for the other
adapters of `trigger.adapters.transient`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth import exceptions as auth_exceptions

from shared.ports import ListedObject, Missing, ObjectPage, Rejected, Unavailable
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS, RETRY

TRANSIENT = (
    exceptions.ServerError,
    exceptions.TooManyRequests,
    requests.ConnectionError,
    requests.Timeout,
    # The connection broke in the middle of an answer.
    requests.exceptions.ChunkedEncodingError,
    # The service that hands out access tokens could not be reached.
    auth_exceptions.TransportError,
)
STORAGE_RETRY = RETRY.with_predicate(if_exception_type(*TRANSIENT))


class StorageListing:
    """Objects of `bucket`, through `client` (a `storage.Client`)."""

    def __init__(self, client: Any, bucket: str, retry: Retry = STORAGE_RETRY) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)
        self._retry = retry

    def page(self, prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        listing = self._client.list_blobs(
            self._bucket,
            prefix=prefix,
            page_size=limit,
            page_token=page,
            fields="items(name,timeCreated,generation),nextPageToken",
            retry=self._retry,
            timeout=ATTEMPT_TIMEOUT_SECONDS,
        )
        with _our_errors(f"a listing of {self._bucket.name}"):
            blobs = list(next(listing.pages, ()))
        objects = [
            ListedObject(name=blob.name, created_at=blob.time_created, generation=blob.generation)
            for blob in blobs
        ]
        return ObjectPage(objects=objects, next_page=listing.next_page_token)

    def delete(self, name: str, *, generation: Any = None) -> None:
        with _our_errors("a file's removal"):
            try:
                self._bucket.blob(name).delete(
                    if_generation_match=generation,
                    retry=self._retry,
                    timeout=ATTEMPT_TIMEOUT_SECONDS,
                )
            except (exceptions.NotFound, exceptions.PreconditionFailed):
                return


@contextmanager
def _our_errors(what: str) -> Iterator[None]:
    try:
        yield
    except exceptions.NotFound:
        raise Missing(f"there is no bucket for {what}") from None
    except exceptions.BadRequest:
        raise Rejected(f"Storage does not take {what}") from None
    except (exceptions.RetryError, *TRANSIENT) as error:
        # Not its text, which holds the object's address.
        kind = type(getattr(error, "cause", None) or error).__name__
        raise Unavailable(f"Storage did not answer for {what}: {kind}") from None
