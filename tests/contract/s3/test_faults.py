"""Storing in and reading from an S3 store that fails, forgets or does not know what S3 knows."""

import base64
import hashlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gpu_worker.adapters.s3 import S3Objects
from shared.ports import AlreadyExists, Missing, TooLarge, Unavailable
from shared.s3_answers import SHA256_KEY
from tests.contract.object_stores import BUCKET
from tests.contract.s3.faulty_s3 import Fault, FaultyS3, Refusal
from tests.contract.s3_server import trigger_client, worker_client
from trigger.adapters.s3 import S3_RETRY, S3Listing
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS

PNG = "image/png"
PICTURE = b"\x89PNG of some kind"
BUSY = Refusal(503, "SlowDown")
SHORT_SECONDS = 0.3
SHORT_RETRY = S3_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(SHORT_SECONDS)


def test_an_upload_is_private_checked_and_never_over_another(
    server: FaultyS3, objects: S3Objects, name: str
) -> None:
    objects.create(name, PICTURE, content_type=PNG)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", f"/{BUCKET}/{name}")
    md5 = base64.b64encode(hashlib.md5(PICTURE, usedforsecurity=False).digest()).decode()
    assert asked.headers["content-md5"] == md5
    assert asked.headers["if-none-match"] == "*"
    assert asked.headers["content-type"] == PNG
    assert asked.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert asked.headers[f"x-amz-meta-{SHA256_KEY}"] == hashlib.sha256(PICTURE).hexdigest()
    # Neither an ACL, nor a checksum that other stores than S3 do not know.
    theirs = {it for it in asked.headers if it.startswith("x-amz-")}
    ours = {f"x-amz-meta-{SHA256_KEY}", "x-amz-content-sha256", "x-amz-date"}
    assert theirs == ours


def test_an_upload_whose_reply_was_lost_is_found_to_be_our_own(
    server: FaultyS3, objects: S3Objects, name: str
) -> None:
    server.script = [Fault.LOST_REPLY]
    stored = objects.create(name, PICTURE, content_type=PNG)
    assert [it.method for it in server.asked] == ["PUT", "PUT", "HEAD"]
    assert (stored.content_type, stored.size_bytes) == (PNG, len(PICTURE))
    assert objects.read(name) == PICTURE
    objects.delete(name, generation=stored.generation)
    with pytest.raises(Missing):
        objects.read(name)


@pytest.mark.parametrize(
    "refusal",
    [
        BUSY,
        Refusal(500, "InternalError"),
        Refusal(429, "TooManyRequests"),
        Refusal(409, "ConditionalRequestConflict"),
        Refusal(400, "BadDigest"),
        Refusal(400, "RequestTimeout"),
    ],
    ids=lambda it: it.code,
)
def test_a_fault_that_passes_is_tried_again(
    server: FaultyS3, objects: S3Objects, name: str, refusal: Refusal
) -> None:
    server.script = [refusal]
    objects.create(name, PICTURE, content_type=PNG)
    assert [it.method for it in server.asked] == ["PUT", "PUT"]
    assert objects.read(name) == PICTURE


@pytest.mark.parametrize(
    "refusal",
    [Refusal(403, "AccessDenied"), Refusal(501, "NotImplemented"), Refusal(400, "InvalidRequest")],
    ids=lambda it: it.code,
)
def test_a_refusal_that_stays_is_not_tried_again(
    server: FaultyS3, objects: S3Objects, name: str, refusal: Refusal
) -> None:
    server.script = [refusal]
    with pytest.raises(ClientError, match=refusal.code):
        objects.create(name, PICTURE, content_type=PNG)
    assert len(server.asked) == 1


def test_what_somebody_else_put_under_a_name_is_not_taken_for_our_own(
    objects: S3Objects, s3_client: Any, name: str
) -> None:
    s3_client.put_object(Bucket=BUCKET, Key=name, Body=PICTURE)
    with pytest.raises(AlreadyExists):
        objects.create(name, PICTURE, content_type=PNG)


def test_a_name_that_was_taken_and_is_free_by_now_is_reported_as_taken(
    server: FaultyS3, objects: S3Objects, name: str
) -> None:
    server.script = [Refusal(412, "PreconditionFailed")]
    with pytest.raises(AlreadyExists):
        objects.create(name, PICTURE, content_type=PNG)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.DAMAGED, Fault.LOST_REPLY])
@pytest.mark.parametrize("max_bytes", [None, 100])
def test_an_answer_that_does_not_come_whole_is_asked_for_again(
    server: FaultyS3, objects: S3Objects, name: str, fault: Fault, max_bytes: int | None
) -> None:
    objects.create(name, PICTURE, content_type=PNG)
    server.script = [fault]
    assert objects.read(name, max_bytes=max_bytes) == PICTURE
    assert [it.method for it in server.asked] == ["PUT", "GET", "GET"]


def test_no_more_is_asked_for_than_the_bound_and_one_byte(
    server: FaultyS3, objects: S3Objects, name: str
) -> None:
    objects.create(name, PICTURE, content_type=PNG)
    with pytest.raises(TooLarge):
        objects.read(name, max_bytes=4)
    assert server.asked[-1].headers["range"] == "bytes=0-4"


def test_a_store_without_ranges_is_not_read_beyond_the_bound_either(
    server: FaultyS3, objects: S3Objects, name: str
) -> None:
    objects.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NO_RANGE, Fault.NO_RANGE]
    with pytest.raises(TooLarge):
        objects.read(name, max_bytes=4)
    assert objects.read(name, max_bytes=len(PICTURE)) == PICTURE


def test_a_store_that_stays_away_is_unavailable_and_the_error_holds_no_address(name: str) -> None:
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        objects = S3Objects(
            worker_client(address), BUCKET, url_seconds=1, patience_seconds=SHORT_SECONDS
        )
        files = S3Listing(trigger_client(address, BUCKET), BUCKET, SHORT_RETRY)
        calls: list[Callable[[], object]] = [
            lambda: objects.create(name, PICTURE, content_type=PNG),
            lambda: objects.read(name),
            lambda: objects.delete(name),
            lambda: files.page("users/", limit=5),
            lambda: files.delete(name),
        ]
        for call in calls:
            with pytest.raises(Unavailable, match="EndpointConnectionError") as it:
                call()
            assert name not in str(it.value)
            assert "http" not in str(it.value)


@pytest.mark.parametrize(
    ("make", "connect_seconds", "read_seconds"),
    [
        (worker_client, 5, 30),
        (partial(trigger_client, bucket=BUCKET), ATTEMPT_TIMEOUT_SECONDS, ATTEMPT_TIMEOUT_SECONDS),
    ],
    ids=["worker", "functions"],
)
def test_botocore_repeats_nothing_by_itself_and_waits_for_no_longer_than_it_is_told(
    server: FaultyS3, make: Callable[[str], Any], connect_seconds: float, read_seconds: float
) -> None:
    client = make(server.address)
    server.script = [BUSY] * 2
    with pytest.raises(ClientError):
        client.list_objects_v2(Bucket=BUCKET)
    assert len(server.asked) == 1
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (connect_seconds, read_seconds)


def test_a_store_that_stays_busy_is_unavailable(
    server: FaultyS3, faulty_client: Any, name: str
) -> None:
    objects = S3Objects(faulty_client, BUCKET, url_seconds=1, patience_seconds=SHORT_SECONDS)
    files = S3Listing(trigger_client(server.address, BUCKET), BUCKET, SHORT_RETRY)
    server.script = [BUSY] * 1000
    with pytest.raises(Unavailable, match="Storage: PassingFault"):
        objects.read(name)
    with pytest.raises(Unavailable, match="did not answer for a listing of contract: ClientError"):
        files.page("users/", limit=5)
