"""Runs moto's S3 server in a thread, and a client with made-up credentials.

It stores, lists, ranges and knows conditions as S3 does; it looks whether a request is signed, not
by whom, so what a signature says is judged by `tests.contract.signatures`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from gpu_worker.adapters.s3_client import s3_client

REGION = "eu-central-1"
#: Amazon's own examples.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#: What boto's chain finds credentials by, and what keeps it from asking the machine for others.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
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


def client_of(address: str) -> Any:
    """As the worker makes it, with the credentials above."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        client = s3_client(endpoint=address, region=REGION, path_style=True)
        client._request_signer._credentials.get_frozen_credentials()
    return client


def make_bucket(client: Any, name: str) -> None:
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
