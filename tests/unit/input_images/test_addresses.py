"""Which addresses are served, by their form alone: no name is resolved for one that is not."""

from dataclasses import replace

import pytest

from shared.errors import ErrorCode, GenerationError, InvalidInput
from tests.unit.input_images.cases import ALLOWED, BUCKET, DOWNLOADS, TOKEN, WRONG_ADDRESSES
from tests.unit.input_images.conftest import SERVED, Worker

NAME = "users/ada/inputs/a.png"


@pytest.mark.parametrize("url", WRONG_ADDRESSES)
def test_a_wrong_address_is_refused_with_what_is_allowed_and_without_itself(
    worker: Worker, url: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        worker.fetch(url)
    said = caught.value.message
    assert said.startswith("image_url is ")
    assert "it must be a data URL" in said
    assert f"gs://{BUCKET}/users/{{your uid}}/" in said
    assert "photos.example.com, *.cdn.example.com" in said
    assert TOKEN not in said
    assert "evil" not in said
    assert not caught.value.retryable
    assert worker.resolver.asked == []
    assert worker.switchboard.dialled == []


@pytest.mark.parametrize(
    "url",
    [
        f"gs://{BUCKET}/{NAME}",
        f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2Finputs%2Fa.png?alt=media&token={TOKEN}",
        f"{DOWNLOADS}:443/v0/b/{BUCKET}/o/users%2Fada%2Finputs%2Fa.png?alt=media",
        f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2fada%2Finputs%2fa%2Epng",
    ],
)
def test_an_own_file_is_read_from_the_bucket_whatever_way_it_is_named(
    worker: Worker, url: str
) -> None:
    worker.objects.create(NAME, b"photo", content_type="image/png")
    assert worker.fetch(url) == b"photo"
    assert worker.switchboard.dialled == []


@pytest.mark.parametrize(
    "name",
    ["my photo (1).png", "100 %.png", "Größe.png", "👩‍🎨.png", "a..b.png", "...png", "a+b&c=d.png"],
)
def test_a_file_may_have_any_plain_name(worker: Worker, name: str) -> None:
    worker.objects.create(f"users/ada/inputs/{name}", b"photo", content_type="image/png")
    assert worker.fetch(f"gs://{BUCKET}/users/ada/inputs/{name}") == b"photo"


def test_nobody_s_file_is_read_for_nobody(worker: Worker) -> None:
    with pytest.raises(InvalidInput):
        worker.fetch(f"gs://{BUCKET}/users/None/a.png", uid=None)


def test_a_missing_file_is_named_by_its_name_and_not_by_its_address(worker: Worker) -> None:
    with pytest.raises(GenerationError, match=r"no file users/ada/inputs/a\.png") as caught:
        worker.fetch(f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Fada%2Finputs%2Fa.png?token={TOKEN}")
    assert caught.value.code is ErrorCode.INPUT_UNAVAILABLE
    assert TOKEN not in caught.value.message


def test_an_own_file_stays_an_own_file_where_its_host_is_allowed_too(worker: Worker) -> None:
    """Whoever allows the storage's host for pictures of other buckets opens no door into ours."""
    served = replace(SERVED, hosts=("storage.example",))
    with pytest.raises(InvalidInput, match="a file that is not yours"):
        served.read(
            f"{DOWNLOADS}/v0/b/{BUCKET}/o/users%2Feve%2Fa.png?token={TOKEN}", "image_url", uid="ada"
        )


def test_a_deployment_without_hosts_does_not_speak_of_them() -> None:
    with pytest.raises(InvalidInput) as caught:
        replace(SERVED, hosts=()).read(f"{ALLOWED}/a.png", "mask_url", uid="ada")
    assert caught.value.message.startswith("mask_url is the address of a host that is not allowed")
    assert "https address" not in caught.value.message
