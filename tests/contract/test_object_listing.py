"""What every `ObjectListing` does: lists by prefix, a page at a time, and removes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from gpu_worker.adapters.s3 import S3Objects
from gpu_worker.adapters.storage import FirebaseStorage
from shared.in_memory_objects import InMemoryObjects
from shared.ports import ObjectListing, ObjectStore
from tests.contract.adapters import IN_MEMORY
from tests.contract.object_stores import BUCKET, URL_SECONDS
from tests.contract.s3_server import trigger_client
from tools.stack import Stack
from trigger.adapters.s3 import S3Listing
from trigger.adapters.storage import StorageListing

CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True)
class Subject:
    """A listing, and what stores the files that it shows."""

    files: ObjectListing
    store: ObjectStore
    #: Whether objects of the same bytes under one name, one after the other, can be told apart.
    tells_equals_apart: bool = True
    #: fake-gcs and the Storage emulator pass over the condition of a removal; that it is sent,
    #: unit tests show.
    server_knows_conditional_removal: bool = True


def in_memory(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    objects = InMemoryObjects()
    yield Subject(objects, objects)


def on_gcs(request: pytest.FixtureRequest) -> Iterator[Subject]:
    client: storage.Client = request.getfixturevalue("gcs_client")
    yield Subject(
        StorageListing(client, BUCKET),
        FirebaseStorage(client, BUCKET),
        server_knows_conditional_removal=False,
    )


def on_s3(request: pytest.FixtureRequest) -> Iterator[Subject]:
    client: Any = request.getfixturevalue("s3_client")
    address: str = request.getfixturevalue("s3_address")
    yield Subject(
        S3Listing(trigger_client(address, BUCKET), BUCKET),
        S3Objects(client, BUCKET, url_seconds=URL_SECONDS),
        tells_equals_apart=False,
    )


def on_firebase(request: pytest.FixtureRequest) -> Iterator[Subject]:
    stack: Stack = request.getfixturevalue("stack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{stack.storage}")
        client = storage.Client(project=stack.project, credentials=AnonymousCredentials())
    yield Subject(
        StorageListing(client, stack.bucket),
        FirebaseStorage(client, stack.bucket),
        server_knows_conditional_removal=False,
    )
    client.close()


@pytest.fixture(
    params=[
        pytest.param(in_memory, id=IN_MEMORY),
        pytest.param(on_gcs, id="GCS"),
        pytest.param(on_s3, id="S3"),
        pytest.param(on_firebase, id="Firebase", marks=pytest.mark.stack),
    ]
)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    build: Callable[[pytest.FixtureRequest], Iterator[Subject]] = request.param
    yield from build(request)


@pytest.fixture
def prefix() -> str:
    """Where nobody else has files."""
    return f"users/{uuid4().hex}/"


def put(subject: Subject, *names: str) -> None:
    for name in names:
        subject.store.create(name, b"x", content_type="image/png")


def names(subject: Subject, prefix: str) -> list[str]:
    return [one.name for one in subject.files.page(prefix, limit=100).objects]


def test_what_lies_below_a_prefix_is_listed_by_name_and_nothing_else(
    subject: Subject, prefix: str
) -> None:
    inside = [f"{prefix}a/1.png", f"{prefix}b.png", f"{prefix}c/d/e f.png"]
    put(subject, *reversed(inside), f"users/{uuid4().hex}/other.png")
    page = subject.files.page(prefix, limit=100)
    assert [one.name for one in page.objects] == inside
    assert page.next_page is None


def test_nothing_is_listed_where_nothing_is(subject: Subject, prefix: str) -> None:
    page = subject.files.page(prefix, limit=100)
    assert (list(page.objects), page.next_page) == ([], None)


def test_a_listed_object_says_when_it_was_made(subject: Subject, prefix: str) -> None:
    put(subject, f"{prefix}a.png")
    (listed,) = subject.files.page(prefix, limit=100).objects
    assert listed.created_at.tzinfo is not None
    assert abs(listed.created_at - datetime.now(UTC)) < CLOCK_TOLERANCE


def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    subject: Subject, prefix: str
) -> None:
    wanted = [f"{prefix}{n}.png" for n in range(7)]
    put(subject, *wanted)
    found: list[str] = []
    place: str | None = None
    while True:
        page = subject.files.page(prefix, limit=3, page=place)
        assert len(page.objects) <= 3
        found += [one.name for one in page.objects]
        place = page.next_page
        if place is None:
            break
    assert found == wanted


def test_a_page_goes_on_though_what_was_listed_is_removed(subject: Subject, prefix: str) -> None:
    wanted = [f"{prefix}{n}.png" for n in range(5)]
    put(subject, *wanted)
    first = subject.files.page(prefix, limit=2)
    for one in first.objects:
        subject.files.delete(one.name, generation=one.generation)
    second = subject.files.page(prefix, limit=100, page=first.next_page)
    assert [one.name for one in second.objects] == wanted[2:]


def test_a_removed_object_is_gone_and_removing_it_again_is_fine(
    subject: Subject, prefix: str
) -> None:
    put(subject, f"{prefix}a.png", f"{prefix}b.png")
    first, second = subject.files.page(prefix, limit=100).objects
    for _ in range(2):
        subject.files.delete(first.name, generation=first.generation)
    assert names(subject, prefix) == [second.name]
    subject.files.delete(second.name)
    assert names(subject, prefix) == []


def test_an_object_that_is_made_anew_is_another_one(subject: Subject, prefix: str) -> None:
    name = f"{prefix}a.png"
    put(subject, name)
    (first,) = subject.files.page(prefix, limit=100).objects
    subject.files.delete(name)
    subject.store.create(name, b"y", content_type="image/png")
    (second,) = subject.files.page(prefix, limit=100).objects
    assert first.generation != second.generation
    if subject.server_knows_conditional_removal:
        subject.files.delete(name, generation=first.generation)
        assert subject.store.read(name) == b"y"
    if subject.tells_equals_apart:
        subject.files.delete(name)
        put(subject, name)
        (third,) = subject.files.page(prefix, limit=100).objects
        assert first.generation != third.generation


def test_the_worker_and_the_functions_call_a_generation_the_same(
    subject: Subject, prefix: str
) -> None:
    stored = subject.store.create(f"{prefix}a.png", b"x", content_type="image/png")
    (listed,) = subject.files.page(prefix, limit=100).objects
    assert listed.generation == stored.generation
