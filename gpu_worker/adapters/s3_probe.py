"""Asks an S3-compatible store, at the start, what only it can say: whether it writes a name once
(some pass over that), and where the bucket is (addresses are signed for a region).

One small object of a fixed name stays in the bucket, so that later starts need one write less.
Bound: PROBE_SECONDS for each request. Raises `ClientError` if the store refuses, and `Unavailable`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from gpu_worker.adapters.s3_client import call_store
from shared.s3_answers import is_other

#: Where a policy for generations lets the worker write; no name of a generation's file.
PROBE_NAME = "users/emberframe-probe"
PROBE_SECONDS = 10.0

T = TypeVar("T")


class S3Probe:
    """Of one bucket."""

    def __init__(
        self, client: Any, bucket: str, *, patience_seconds: float = PROBE_SECONDS
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._patience_seconds = patience_seconds

    def writes_a_name_once(self) -> bool:
        # Free twice: the second write was one over the first.
        return not all(self._call(self._is_free) for _ in range(2))

    def region(self) -> str | None:
        """The bucket's; None if the store does not tell."""
        answer = self._call(lambda: self._client.head_bucket(Bucket=self._bucket))
        region: str | None = answer.get("BucketRegion")
        return region

    def _is_free(self) -> bool:
        try:
            self._client.put_object(Bucket=self._bucket, Key=PROBE_NAME, Body=b"", IfNoneMatch="*")
        except ClientError as error:
            if is_other(error.response):
                return False
            raise
        return True

    def _call(self, request: Callable[[], T]) -> T:
        return call_store(request, patience_seconds=self._patience_seconds)
