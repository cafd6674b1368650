"""Clients of S3-compatible stores, and calls of them, repeated as long as a fault may pass.

Botocore repeats nothing by itself: `call_patiently` does, within its one bound. Request checksums
beyond those that an operation needs are off: stores other than S3 refuse or ignore them, and every
upload here carries an MD5 that all of them check.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from gpu_worker.adapters.patience import call_patiently
from shared.s3_answers import passes

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 5.0
#: Between two bytes of an answer, and from the last byte sent to the answer's first.
READ_TIMEOUT_SECONDS = 30.0


class PassingFault(Exception):
    """The store, or the way to it, failed in a way that another try may cure."""


TRANSIENT = (
    PassingFault,
    # No connection, or one that broke.
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    # The service that hands out credentials could not be reached.
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
)


def s3_client(*, endpoint: str | None, region: str | None, path_style: bool) -> Any:
    """A thread-safe client. None: as boto's own chain says (environment, files, the machine).

    `path_style` puts the bucket's name into the path rather than before the host's.
    """
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "virtual"},
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            tcp_keepalive=True,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def call_store(request: Callable[[], T], *, patience_seconds: float) -> T:
    """The result of `request`, a call of a client.

    Raises `ClientError` if the store refuses, and `Unavailable` after `patience_seconds`.
    """

    def attempt() -> T:
        with _passing_faults():
            return request()

    return call_patiently(
        attempt, service="Storage", transient=TRANSIENT, patience_seconds=patience_seconds
    )


@contextmanager
def _passing_faults() -> Iterator[None]:
    """An answer that another try may change raises `PassingFault` in place of `ClientError`."""
    try:
        yield
    except boto.ClientError as error:
        if passes(error.response):
            raise PassingFault from error
        raise
