"""Listing a bucket of an S3 store that fails."""

import pytest
from botocore.exceptions import ClientError

from gpu_worker.adapters.s3 import S3Objects
from shared.ports import Missing, ObjectPage, Rejected
from tests.contract.s3.faulty_s3 import Fault, FaultyS3, Refusal
from trigger.adapters.s3 import S3Listing

PNG = "image/png"
PICTURE = b"\x89PNG of some kind"
BUSY = Refusal(503, "SlowDown")


def test_a_listing_is_asked_for_by_prefix_place_and_size(
    server: FaultyS3, files: S3Listing, direct: S3Objects, name: str
) -> None:
    direct.create(name, PICTURE, content_type=PNG)
    page = files.page(name[:-5], limit=5, page=name[:-1])
    assert [one.name for one in page.objects] == [name]
    asked = server.asked[0].path
    assert f"start-after={name[:-1].replace('/', '%2F')}" in asked
    assert "max-keys=5" in asked


def test_a_page_s_token_of_another_store_is_not_understood(files: S3Listing) -> None:
    with pytest.raises(Rejected):
        files.page("users/", limit=5, page="CgVhLnBuZw==")


def a_page(files: S3Listing) -> ObjectPage:
    return files.page("users/nobody/", limit=5)


@pytest.mark.parametrize("fault", [BUSY, Refusal(429, "TooManyRequests"), Fault.LOST_REPLY])
def test_a_listing_is_tried_again(
    server: FaultyS3, files: S3Listing, fault: Fault | Refusal
) -> None:
    server.script = [fault]
    assert a_page(files) == ObjectPage(objects=[], next_page=None)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(404, "NoSuchBucket"), Missing),
        (Refusal(400, "InvalidArgument"), Rejected),
        (Refusal(403, "AccessDenied"), ClientError),
    ],
)
def test_a_listing_that_cannot_be_had_is_not_tried_again(
    server: FaultyS3, files: S3Listing, refusal: Refusal, error: type[Exception]
) -> None:
    server.script = [refusal]
    with pytest.raises(error):
        a_page(files)
    assert len(server.asked) == 1
