"""What every `ObjectStore` does: create once, read whole, delete without complaint."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from gpu_worker.adapters.storage import FirebaseStorage
from shared.in_memory import InMemoryObjects
from shared.ports import AlreadyExists, Missing, ObjectStore, TooLarge
from tests.contract.conftest import BUCKET

PNG = "image/png"
#: Above the 8 MiB from which the client uploads in resumable chunks.
LARGE_BYTES = 9 * 1024 * 1024

Build = Callable[[pytest.FixtureRequest], ObjectStore]

STORES: dict[str, Build] = {
    "in memory": lambda _: InMemoryObjects(),
    "worker": lambda request: FirebaseStorage(request.getfixturevalue("gcs_client"), BUCKET),
}


@pytest.fixture(params=[pytest.param(build, id=name) for name, build in STORES.items()])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    build: Build = request.param
    return build(request)


@pytest.fixture
def name() -> str:
    return f"users/some-user/generations/{uuid4().hex}/1/0.png"


def test_a_created_object_is_read_back_whole(objects: ObjectStore, name: str) -> None:
    objects.create(name, b"\x89PNG\x00", content_type=PNG)
    assert objects.read(name) == b"\x89PNG\x00"


def test_a_large_object_is_read_back_whole(objects: ObjectStore, name: str) -> None:
    data = bytes(range(256)) * (LARGE_BYTES // 256)
    stored = objects.create(name, data, content_type="video/mp4")
    assert stored.size_bytes == LARGE_BYTES
    assert objects.read(name) == data


def test_what_is_stored_is_described(objects: ObjectStore, name: str) -> None:
    stored = objects.create(name, b"12345", content_type=PNG)
    assert (stored.name, stored.content_type, stored.size_bytes) == (name, PNG, 5)


def test_the_url_carries_a_token_that_differs_from_object_to_object(
    objects: ObjectStore, name: str
) -> None:
    first = objects.create(name, b"1", content_type=PNG).url
    second = objects.create(f"{name}.second", b"1", content_type=PNG).url
    tokens = [url.partition("token=")[2] for url in (first, second)]
    assert all(tokens)
    assert len(set(tokens)) == 2


def test_storing_the_same_bytes_again_returns_the_object_that_is_there(
    objects: ObjectStore, name: str
) -> None:
    first = objects.create(name, b"same", content_type=PNG)
    assert objects.create(name, b"same", content_type=PNG) == first


def test_other_bytes_under_a_taken_name_are_refused_and_change_nothing(
    objects: ObjectStore, name: str
) -> None:
    objects.create(name, b"first", content_type=PNG)
    with pytest.raises(AlreadyExists):
        objects.create(name, b"other", content_type=PNG)
    assert objects.read(name) == b"first"


def test_reading_an_object_that_does_not_exist_says_so(objects: ObjectStore, name: str) -> None:
    with pytest.raises(Missing):
        objects.read(name)


def test_a_deleted_object_is_gone_and_its_name_free_again(objects: ObjectStore, name: str) -> None:
    objects.create(name, b"first", content_type=PNG)
    objects.delete(name)
    with pytest.raises(Missing):
        objects.read(name)
    objects.create(name, b"second", content_type=PNG)
    assert objects.read(name) == b"second"


def test_deleting_an_object_that_does_not_exist_is_fine(objects: ObjectStore, name: str) -> None:
    objects.delete(name)


def test_an_object_is_read_up_to_a_bound(objects: ObjectStore, name: str) -> None:
    objects.create(name, b"12345", content_type=PNG)
    assert objects.read(name, max_bytes=5) == b"12345"
    with pytest.raises(TooLarge):
        objects.read(name, max_bytes=4)


def test_an_empty_object_is_read_up_to_a_bound(objects: ObjectStore, name: str) -> None:
    objects.create(name, b"", content_type=PNG)
    assert objects.read(name, max_bytes=4) == b""


def test_a_bounded_read_of_what_does_not_exist_says_so(objects: ObjectStore, name: str) -> None:
    with pytest.raises(Missing):
        objects.read(name, max_bytes=4)
