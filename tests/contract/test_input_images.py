"""Which addresses of images are read, over storage in memory and over the real client."""

import base64
from collections.abc import Callable
from uuid import uuid4

import pytest

from gpu_worker.adapters.data_url import MAX_DATA_URL_BYTES
from gpu_worker.adapters.input_images import MAX_FILE_BYTES, DeploymentImages, InlineImages
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.ports import InputImages
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.in_memory import InMemoryObjects
from shared.ports import ObjectStore
from tests.contract.conftest import BUCKET

HOST = "https://storage.example"
SERVED = ServedAddresses(bucket=BUCKET, download_host=HOST)
FIELD = "image_url"
Build = Callable[[pytest.FixtureRequest], ObjectStore]
STORES: dict[str, Build] = {
    "in memory": lambda _: InMemoryObjects(),
    "worker": lambda request: FirebaseStorage(
        request.getfixturevalue("gcs_client"), BUCKET, host=HOST
    ),
}


def deployment(objects: ObjectStore) -> DeploymentImages:
    return DeploymentImages(objects, SERVED, WebImages(SERVED, SystemResolver()))


@pytest.fixture(params=[pytest.param(build, id=name) for name, build in STORES.items()])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    build: Build = request.param
    return build(request)


@pytest.fixture
def images(objects: ObjectStore) -> DeploymentImages:
    return deployment(objects)


@pytest.fixture
def uid() -> str:
    return f"u{uuid4().hex}"


def refused(images: InputImages, url: str, uid: str = "ada") -> str:
    with pytest.raises(InvalidInput) as caught:
        images.fetch(url, field=FIELD, uid=uid)
    return caught.value.message


@pytest.fixture(params=["deployment", "command line"])
def either(request: pytest.FixtureRequest) -> InputImages:
    if request.param == "command line":
        return InlineImages()
    return deployment(InMemoryObjects())


def test_a_data_url_is_the_picture(either: InputImages) -> None:
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert either.fetch(url, field=FIELD, uid="ada") == b"\x89PNG"
    assert either.fetch(url.replace("data:", "DATA:"), field=FIELD, uid=None) == b"\x89PNG"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png,plain",
        "data:text/html;base64,AA==",
        "data:image/png;base64,A*==",
        "data:image/png;base64,ÄA==",
        "data:image/png;base64,AAA",
    ],
)
def test_a_data_url_of_another_form_is_refused(either: InputImages, url: str) -> None:
    assert "data URL" in refused(either, url)


def test_a_data_url_above_the_bound_is_refused(either: InputImages) -> None:
    data = base64.b64encode(b"\0" * (MAX_DATA_URL_BYTES + 1)).decode()
    with pytest.raises(InvalidInput, match="at most 10 MB"):
        either.fetch(f"data:image/png;base64,{data}", field=FIELD, uid="ada")
    with pytest.raises(InvalidInput, match="at most 10 MB"):
        either.fetch(f"data:image/png;base64,{data * 2}", field=FIELD, uid="ada")


def test_an_own_file_is_read_by_its_name_and_by_its_download_url(
    objects: ObjectStore, images: DeploymentImages, uid: str
) -> None:
    name = f"users/{uid}/inputs/my photo.png"
    stored = objects.create(name, b"photo", content_type="image/png")
    assert images.fetch(f"gs://{BUCKET}/{name}", field=FIELD, uid=uid) == b"photo"
    download = f"{HOST}/v0/b/{BUCKET}/o/users%2F{uid}%2Finputs%2Fmy%20photo.png?alt=media&token=x"
    assert images.fetch(download, field=FIELD, uid=uid) == b"photo"
    if stored.url.startswith(HOST):  # the real adapter's own
        assert images.fetch(stored.url, field=FIELD, uid=uid) == b"photo"


@pytest.mark.parametrize(
    "address",
    [
        "gs://{bucket}/users/eve/inputs/a.png",
        "gs://{bucket}/users/adam/inputs/a.png",
        "gs://{bucket}/secret.png",
        "gs://other/users/ada/inputs/a.png",
        "{host}/v0/b/{bucket}/o/users%2Feve%2Finputs%2Fa.png?alt=media&token=t0k3n",
        "{host}/v0/b/other/o/users%2Fada%2Finputs%2Fa.png",
        "{host}/v0/b/{bucket}/o/users/ada/inputs/a.png",
        "https://evil.example/v0/b/{bucket}/o/users%2Fada%2Finputs%2Fa.png",
        "https://storage.example@evil.example/v0/b/{bucket}/o/users%2Fada%2Fa.png",
        "https://storage.example:444/v0/b/{bucket}/o/users%2Fada%2Fa.png",
        "http://storage.example/v0/b/{bucket}/o/users%2Fada%2Finputs%2Fa.png",
        "https://example.com/a.png",
        "http://169.254.169.254/computeMetadata/v1/",
        "http://[::1",
        "file:///etc/passwd",
    ],
)
def test_every_other_address_is_refused_with_what_is_served_and_without_itself(
    images: DeploymentImages, address: str
) -> None:
    said = refused(images, address.format(bucket=BUCKET, host=HOST))
    assert "it must be a data URL" in said
    assert f"gs://{BUCKET}/users/{{your uid}}/" in said
    assert "t0k3n" not in said


def test_without_a_person_no_file_of_the_bucket_is_read(images: DeploymentImages) -> None:
    with pytest.raises(InvalidInput):
        images.fetch(f"gs://{BUCKET}/users/None/a.png", field=FIELD, uid=None)


def test_an_own_file_that_is_not_there_is_named(images: DeploymentImages, uid: str) -> None:
    with pytest.raises(GenerationError, match=r"no file users/.*/inputs/a\.png") as caught:
        images.fetch(f"gs://{BUCKET}/users/{uid}/inputs/a.png", field=FIELD, uid=uid)
    assert caught.value.code is ErrorCode.INPUT_UNAVAILABLE


def test_an_own_file_above_the_bound_is_refused(
    objects: ObjectStore, images: DeploymentImages, uid: str
) -> None:
    name = f"users/{uid}/inputs/large.png"
    objects.create(name, b"\0" * (MAX_FILE_BYTES + 1), content_type="image/png")
    with pytest.raises(InvalidInput, match=r"image_url is too large.* at most 20 MB"):
        images.fetch(f"gs://{BUCKET}/{name}", field=FIELD, uid=uid)


def test_the_command_line_fetches_nothing() -> None:
    assert "not fetched from the command line" in refused(InlineImages(), "https://a.example/b.png")
