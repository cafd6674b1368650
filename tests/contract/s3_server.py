"""Runs moto's S3 server in a thread, and makes clients with Amazon's own example of a key.

It stores, lists, cuts ranges and knows conditions as S3 does, and lets nobody in whose request has
no signature; whose signature it is it does not look at, so `tests.contract.signatures` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from gpu_worker.adapters.s3_client import s3_client
from trigger.adapters.s3 import s3_client as trigger_s3_client
from trigger.stores import S3Place

REGION = "eu-central-1"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#: What boto's chain finds credentials by, and what keeps it from asking the machine for others.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def running_s3_server() -> Iterator[str]:
    """Yields `http://host:port` of an empty server that keeps its objects in memory."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        # Which it leaves open.
        if server._server is not None:
            server._server.server_close()


def worker_client(address: str) -> Any:
    with _credentials():
        return s3_client(endpoint=address, region=REGION, path_style=True)


def trigger_client(address: str, bucket: str) -> Any:
    place = S3Place(bucket=bucket, endpoint=address, region=REGION, path_style=True)
    with _credentials():
        return trigger_s3_client(place)


def make_bucket(client: Any, name: str) -> None:
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


@contextmanager
def _credentials() -> Iterator[None]:
    """A client keeps what it finds at its making."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield
