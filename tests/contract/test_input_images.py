"""Which addresses of images are read, over storage in memory and over the real client."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from gpu_worker.adapters.data_url import MAX_DATA_URL_BYTES
from gpu_worker.adapters.input_images import MAX_FILE_BYTES, DeploymentImages, InlineImages
from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.adapters.s3 import S3Objects
from gpu_worker.adapters.storage import FirebaseStorage
from gpu_worker.adapters.storage_urls import SignedUrls, TokenUrls
from gpu_worker.adapters.web_images import WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.ports import InputImages
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.in_memory_objects import InMemoryObjects
from shared.ports import ObjectStore
from tests.contract.object_stores import BUCKET, HOST, URL_SECONDS, credentials_of

FIELD = "image_url"


@dataclass(frozen=True)
class Subject:
    """A store, and which addresses lead into it."""

    objects: ObjectStore
    served: ServedAddresses


FIREBASE = ServedAddresses(bucket=BUCKET, download_host=HOST)


def on_firebase(request: pytest.FixtureRequest) -> Subject:
    client = request.getfixturevalue("gcs_client")
    return Subject(FirebaseStorage(client, BUCKET, urls=TokenUrls(HOST)), FIREBASE)


def on_gcs(request: pytest.FixtureRequest) -> Subject:
    """As `gpu_worker.stores` has it with addresses for a time: phones' own uploads have others."""
    urls = SignedUrls(credentials_of(request.getfixturevalue("signing_key")), URL_SECONDS)
    return Subject(
        FirebaseStorage(request.getfixturevalue("gcs_client"), BUCKET, urls=urls),
        replace(FIREBASE, signed_base=urls.base(BUCKET)),
    )


def on_s3(request: pytest.FixtureRequest) -> Subject:
    objects = S3Objects(
        request.getfixturevalue("s3_client"),
        BUCKET,
        url_seconds=URL_SECONDS,
        signer=request.getfixturevalue("s3_signer"),
    )
    served = ServedAddresses(bucket=BUCKET, scheme="s3", signed_base=objects.download_base)
    return Subject(objects, served)


Build = Callable[[pytest.FixtureRequest], Subject]
SUBJECTS: dict[str, Build] = {
    "in memory": lambda _: Subject(InMemoryObjects(), FIREBASE),
    "Firebase": on_firebase,
    "GCS, signed": on_gcs,
    "S3": on_s3,
}


def deployment(subject: Subject) -> DeploymentImages:
    web = WebImages(subject.served, SystemResolver())
    return DeploymentImages(subject.objects, subject.served, web)


@pytest.fixture(params=[pytest.param(build, id=name) for name, build in SUBJECTS.items()])
def subject(request: pytest.FixtureRequest) -> Subject:
    build: Build = request.param
    return build(request)


@pytest.fixture
def objects(subject: Subject) -> ObjectStore:
    return subject.objects


@pytest.fixture
def images(subject: Subject) -> DeploymentImages:
    return deployment(subject)


@pytest.fixture
def plain(subject: Subject) -> str:
    """What the bucket's own addresses begin with."""
    return f"{subject.served.scheme}://{BUCKET}"


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
    return deployment(Subject(InMemoryObjects(), FIREBASE))


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
    objects: ObjectStore, images: DeploymentImages, plain: str, uid: str
) -> None:
    name = f"users/{uid}/inputs/my photo (1)+ü.png"
    stored = objects.create(name, b"photo", content_type="image/png")
    assert images.fetch(f"{plain}/{name}", field=FIELD, uid=uid) == b"photo"
    if not stored.url.startswith("memory:"):
        assert images.fetch(stored.url, field=FIELD, uid=uid) == b"photo"


def test_a_download_url_of_firebase_s_sdks_is_taken_where_phones_upload_through_them(
    subject: Subject, images: DeploymentImages, uid: str
) -> None:
    subject.objects.create(f"users/{uid}/inputs/a b.png", b"photo", content_type="image/png")
    url = f"{HOST}/v0/b/{BUCKET}/o/users%2F{uid}%2Finputs%2Fa%20b.png?alt=media&token=x"
    if subject.served.download_host is None:
        refused(images, url, uid)
    else:
        assert images.fetch(url, field=FIELD, uid=uid) == b"photo"


@pytest.mark.parametrize(
    "rest",
    [
        "users/eve/inputs/a.png?{signature}",
        "users%2Feve%2Finputs%2Fa.png?{signature}",
        "users/ada/../eve/inputs/a.png",
        "users/ada/%2e%2e/eve/inputs/a.png?{signature}",
        "users/ada%2F..%2Feve/inputs/a.png",
        "users/ada//a.png",
        "users/ada/%252e%252e/eve/a.png",
        "users/ada/inputs/a%00.png",
        "users/ada/inputs/a%5C.png",
        "users/ada/inputs/%ff.png",
        "?{signature}",
        "#users/ada/inputs/a.png",
        "secret.png",
    ],
)
def test_a_signed_address_that_leads_elsewhere_in_the_bucket_is_refused(
    subject: Subject, images: DeploymentImages, rest: str
) -> None:
    """Whatever its signature would allow: the worker reads by name, and the path decides."""
    base = subject.served.signed_base or f"{subject.served.scheme}://{BUCKET}/"
    said = refused(images, base + rest.format(signature="X-Amz-Signature=t0k3n"))
    assert "t0k3n" not in said


@pytest.mark.parametrize(
    "address",
    [
        "{plain}/users/eve/inputs/a.png",
        "{plain}/users/adam/inputs/a.png",
        "{plain}/users/ada/../eve/a.png",
        "{plain}/users/ada//a.png",
        "{plain}/secret.png",
        "{other}://{bucket}/users/ada/inputs/a.png",
        "gs://other/users/ada/inputs/a.png",
        "s3://other/users/ada/inputs/a.png",
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
    images: DeploymentImages, plain: str, address: str
) -> None:
    other = "s3" if plain.startswith("gs") else "gs"
    said = refused(images, address.format(bucket=BUCKET, host=HOST, plain=plain, other=other))
    assert "it must be a data URL" in said
    assert f"{plain}/users/{{your uid}}/" in said
    assert "t0k3n" not in said


def test_without_a_person_no_file_of_the_bucket_is_read(
    images: DeploymentImages, plain: str
) -> None:
    with pytest.raises(InvalidInput):
        images.fetch(f"{plain}/users/None/a.png", field=FIELD, uid=None)


def test_an_own_file_that_is_not_there_is_named(
    images: DeploymentImages, plain: str, uid: str
) -> None:
    with pytest.raises(GenerationError, match=r"no file users/.*/inputs/a\.png") as caught:
        images.fetch(f"{plain}/users/{uid}/inputs/a.png", field=FIELD, uid=uid)
    assert caught.value.code is ErrorCode.INPUT_UNAVAILABLE


def test_an_own_file_above_the_bound_is_refused(
    objects: ObjectStore, images: DeploymentImages, plain: str, uid: str
) -> None:
    name = f"users/{uid}/inputs/large.png"
    objects.create(name, b"\0" * (MAX_FILE_BYTES + 1), content_type="image/png")
    with pytest.raises(InvalidInput, match=r"image_url is too large.* at most 20 MB"):
        images.fetch(f"{plain}/{name}", field=FIELD, uid=uid)


def test_the_command_line_fetches_nothing() -> None:
    assert "not fetched from the command line" in refused(InlineImages(), "https://a.example/b.png")
