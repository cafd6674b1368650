"""A file that says of itself that it is compressed, as an owner may upload one, is read as it lies.

Unpacked on the way it could be of any size, since a range of such a file may be served whole.
"""

import gzip
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import requests
from google.cloud import storage

from gpu_worker.adapters.s3 import S3Objects
from gpu_worker.adapters.storage import FirebaseStorage
from shared.ports import ObjectStore, TooLarge
from tests.contract.object_stores import BUCKET, TIMEOUT_SECONDS, URL_SECONDS

UNPACKED_BYTES = 50_000_000
BOMB = gzip.compress(bytes(UNPACKED_BYTES))


def on_google_s(request: pytest.FixtureRequest, name: str) -> ObjectStore:
    client: storage.Client = request.getfixturevalue("gcs_client")
    blob = client.bucket(BUCKET).blob(name)
    blob.content_encoding = "gzip"
    blob.upload_from_string(BOMB, content_type="image/png")
    assert blob.download_as_bytes() == bytes(UNPACKED_BYTES), "the server does tell its encoding"
    return FirebaseStorage(client, BUCKET)


def on_s3(request: pytest.FixtureRequest, name: str) -> ObjectStore:
    client: Any = request.getfixturevalue("s3_client")
    place = {"Bucket": BUCKET, "Key": name}
    client.put_object(**place, Body=BOMB, ContentEncoding="gzip", ContentType="image/png")
    url = client.generate_presigned_url("get_object", Params=place)
    unpacked = requests.get(url, timeout=TIMEOUT_SECONDS).content
    assert unpacked == bytes(UNPACKED_BYTES), "the server does tell its encoding"
    return S3Objects(client, BUCKET, url_seconds=URL_SECONDS)


Build = Callable[[pytest.FixtureRequest, str], ObjectStore]


@pytest.fixture
def name() -> str:
    return f"users/ada/inputs/{uuid4().hex}.png"


@pytest.fixture(params=[pytest.param(on_google_s, id="GCS"), pytest.param(on_s3, id="S3")])
def objects(request: pytest.FixtureRequest, name: str) -> ObjectStore:
    """With the file in it."""
    build: Build = request.param
    return build(request, name)


def test_a_compressed_file_is_not_unpacked(objects: ObjectStore, name: str) -> None:
    assert objects.read(name, max_bytes=len(BOMB)) == BOMB


def test_its_bound_is_that_of_the_file_as_it_lies_there(objects: ObjectStore, name: str) -> None:
    with pytest.raises(TooLarge):
        objects.read(name, max_bytes=len(BOMB) - 1)
