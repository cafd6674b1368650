"""A file that says of itself that it is compressed, as an owner may upload one, is read as it lies.

Unpacked on the way it could be of any size, since a range of such a file is served whole.
"""

import gzip
from uuid import uuid4

import pytest
from google.cloud import storage

from gpu_worker.adapters.storage import FirebaseStorage
from shared.ports import TooLarge
from tests.contract.conftest import BUCKET

UNPACKED_BYTES = 50_000_000
BOMB = gzip.compress(bytes(UNPACKED_BYTES))


@pytest.fixture
def bomb(gcs_client: storage.Client) -> str:
    blob = gcs_client.bucket(BUCKET).blob(f"users/ada/inputs/{uuid4().hex}.png")
    blob.content_encoding = "gzip"
    blob.upload_from_string(BOMB, content_type="image/png")
    assert blob.download_as_bytes() == bytes(UNPACKED_BYTES), "the server does tell its encoding"
    return str(blob.name)


def test_a_compressed_file_is_not_unpacked(gcs_client: storage.Client, bomb: str) -> None:
    assert FirebaseStorage(gcs_client, BUCKET).read(bomb, max_bytes=len(BOMB)) == BOMB


def test_its_bound_is_that_of_the_file_as_it_lies_there(
    gcs_client: storage.Client, bomb: str
) -> None:
    with pytest.raises(TooLarge):
        FirebaseStorage(gcs_client, BUCKET).read(bomb, max_bytes=len(BOMB) - 1)
