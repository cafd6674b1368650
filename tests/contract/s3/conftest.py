"""Both adapters over a server with faults, and the worker's past them."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from gpu_worker.adapters.s3 import S3Objects
from tests.contract.object_stores import BUCKET, URL_SECONDS
from tests.contract.s3.faulty_s3 import FaultyS3, faulty_s3
from tests.contract.s3_server import trigger_client, worker_client
from trigger.adapters.s3 import S3Listing

#: Patience for one fault and the try after it, and for no more.
PATIENCE_SECONDS = 5.0


@pytest.fixture(scope="module")
def running(s3_address: str) -> Iterator[FaultyS3]:
    with faulty_s3(s3_address) as server:
        yield server


@pytest.fixture
def server(running: FaultyS3) -> FaultyS3:
    running.reset()
    return running


#: Making a client takes as long as many requests.
@pytest.fixture(scope="module")
def faulty_client(running: FaultyS3) -> Any:
    return worker_client(running.address)


@pytest.fixture(scope="module")
def files(running: FaultyS3) -> S3Listing:
    """The functions'."""
    return S3Listing(trigger_client(running.address, BUCKET), BUCKET)


@pytest.fixture
def objects(server: FaultyS3, faulty_client: Any) -> S3Objects:
    """The worker's; the server is as at the start."""
    assert not server.asked
    return S3Objects(
        faulty_client, BUCKET, url_seconds=URL_SECONDS, patience_seconds=PATIENCE_SECONDS
    )


@pytest.fixture
def name() -> str:
    return f"users/ann/generations/{uuid4().hex}/1/0.png"


@pytest.fixture
def direct(s3_client: Any) -> S3Objects:
    """Past the faults."""
    return S3Objects(s3_client, BUCKET, url_seconds=URL_SECONDS)
