"""What every `ObjectStore` does: create once, read whole, delete without complaint."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.ports import AlreadyExists, Missing, ObjectStore, StoredObject, TooLarge
from tests.contract.object_stores import SIGNED, SUBJECTS, URL_SECONDS, Subject, parameters

PNG = "image/png"
#: Above the 8 MiB from which Google's client uploads in resumable chunks.
LARGE_BYTES = 9 * 1024 * 1024
#: From the second in which an address is signed to the test's own look at the clock.
SIGNING_TOLERANCE = timedelta(seconds=60)

Build = Callable[[pytest.FixtureRequest], Iterator[Subject]]


@pytest.fixture(params=parameters(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Build = request.param
    yield from build(request)


@pytest.fixture(params=parameters(SIGNED))
def signed(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Build = request.param
    yield from build(request)


@pytest.fixture
def objects(subject: Subject) -> ObjectStore:
    return subject.store


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


def test_the_url_carries_a_secret_that_differs_from_object_to_object(
    objects: ObjectStore, name: str
) -> None:
    first = objects.create(name, b"1", content_type=PNG).url
    second = objects.create(f"{name}.second", b"1", content_type=PNG).url
    secrets = [re.split("token=|-Signature=", url)[1] for url in (first, second)]
    assert all(secrets)
    assert len(set(secrets)) == 2


def described(stored: StoredObject) -> StoredObject:
    """All but the address, which is signed anew each time where it is good for a time."""
    return replace(stored, url="")


def test_storing_the_same_bytes_again_returns_the_object_that_is_there(
    subject: Subject, name: str
) -> None:
    first = subject.store.create(name, b"same", content_type=PNG)
    again = subject.store.create(name, b"same", content_type=PNG)
    assert described(again) == described(first)
    if subject.judge is None:
        assert again.url == first.url


def test_other_bytes_under_a_taken_name_are_refused_and_change_nothing(
    objects: ObjectStore, name: str
) -> None:
    objects.create(name, b"first", content_type=PNG)
    with pytest.raises(AlreadyExists):
        objects.create(name, b"other", content_type=PNG)
    assert objects.read(name) == b"first"


def test_an_object_is_nobody_s_who_does_not_know_its_address(subject: Subject, name: str) -> None:
    subject.store.create(name, b"private", content_type=PNG)
    assert subject.is_public is None or not subject.is_public(name)


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


def test_an_object_is_deleted_by_its_generation(objects: ObjectStore, name: str) -> None:
    stored = objects.create(name, b"first", content_type=PNG)
    objects.delete(name, generation=stored.generation)
    objects.delete(name, generation=stored.generation)
    with pytest.raises(Missing):
        objects.read(name)


def test_an_object_made_anew_is_not_deleted_for_the_one_of_before(
    subject: Subject, name: str
) -> None:
    objects = subject.store
    first = objects.create(name, b"first", content_type=PNG)
    objects.delete(name)
    other = objects.create(name, b"other", content_type=PNG)
    assert other.generation != first.generation
    if not subject.server_knows_conditional_removal:
        return
    objects.delete(name, generation=first.generation)
    assert objects.read(name) == b"other"
    if subject.tells_equals_apart:
        objects.delete(name)
        objects.create(name, b"first", content_type=PNG)
        objects.delete(name, generation=first.generation)
        assert objects.read(name) == b"first"


@pytest.mark.parametrize("file", ["0.png", "a b+c&d=e%25.png", "Größe 👩‍🎨.png", "~(1)!'*.png"])
def test_a_signed_address_brings_the_bytes_and_what_they_are_whatever_the_name(
    signed: Subject, name: str, file: str
) -> None:
    assert signed.get is not None
    stored = signed.store.create(f"{name}/{file}", b"\x89PNG\x00", content_type=PNG)
    answer = signed.get(stored.url)
    assert (answer.status_code, answer.content) == (200, b"\x89PNG\x00")
    assert answer.headers["Content-Type"] == PNG
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_a_signed_address_is_good_for_the_time_that_was_set_and_no_longer(
    signed: Subject, name: str
) -> None:
    assert signed.judge is not None
    url = signed.store.create(f"{name}/a b+ü.png", b"1", content_type=PNG).url
    now, life = datetime.now(UTC), timedelta(seconds=URL_SECONDS)
    assert signed.judge.admits(url, now)
    assert signed.judge.admits(url, now + life - SIGNING_TOLERANCE)
    assert not signed.judge.admits(url, now + life + SIGNING_TOLERANCE)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (f"Expires={URL_SECONDS}", f"Expires={URL_SECONDS + 1}"),
        ("/1/0.png", "/1/1.png"),
        ("contract", "contracts"),
    ],
)
def test_a_signed_address_that_is_changed_is_no_address(
    signed: Subject, name: str, part: str, other: str
) -> None:
    assert signed.judge is not None
    url = signed.store.create(name, b"1", content_type=PNG).url
    assert part in url
    assert not signed.judge.admits(url.replace(part, other, 1), datetime.now(UTC))
