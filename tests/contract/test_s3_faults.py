"""Both S3 adapters over a store that fails, forgets or does not know what S3 knows."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from gpu_worker.adapters.s3 import S3Objects
from shared.ports import AlreadyExists, Missing, ObjectPage, Rejected, TooLarge, Unavailable
from shared.s3_answers import SHA256_KEY
from tests.contract.faulty_s3 import Fault, FaultyS3, Refusal, faulty_s3
from tests.contract.object_stores import BUCKET, URL_SECONDS
from tests.contract.s3_server import trigger_client, worker_client
from trigger.adapters.s3 import S3_RETRY, S3Listing
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS

PNG = "image/png"
PICTURE = b"\x89PNG of some kind"
BUSY = Refusal(503, "SlowDown")
#: Patience for one fault and the try after it, and for no more.
PATIENCE_SECONDS = 5.0
SHORT_SECONDS = 0.3
SHORT_RETRY = S3_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(SHORT_SECONDS)


@pytest.fixture(scope="module")
def running(s3_address: str) -> Iterator[FaultyS3]:
    with faulty_s3(s3_address) as server:
        yield server


@pytest.fixture
def server(running: FaultyS3) -> FaultyS3:
    running.reset()
    return running


#: Making a client takes as long as many requests.
@pytest.fixture(scope="module")
def faulty_client(running: FaultyS3) -> Any:
    return worker_client(running.address)


@pytest.fixture(scope="module")
def files(running: FaultyS3) -> S3Listing:
    """The functions'."""
    return S3Listing(trigger_client(running.address, BUCKET), BUCKET)


@pytest.fixture
def objects(server: FaultyS3, faulty_client: Any) -> S3Objects:
    """The worker's; the server is as at the start."""
    assert not server.asked
    return S3Objects(
        faulty_client, BUCKET, url_seconds=URL_SECONDS, patience_seconds=PATIENCE_SECONDS
    )


@pytest.fixture
def name() -> str:
    return f"users/ann/generations/{uuid4().hex}/1/0.png"


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


Remove = Callable[[str, Any], None]


@pytest.fixture(params=["worker", "functions"])
def remove(request: pytest.FixtureRequest, objects: S3Objects, files: S3Listing) -> Remove:
    remover: S3Objects | S3Listing = objects if request.param == "worker" else files
    return lambda name, generation: remover.delete(name, generation=generation)


@pytest.fixture
def direct(s3_client: Any) -> S3Objects:
    """Past the faults."""
    return S3Objects(s3_client, BUCKET, url_seconds=URL_SECONDS)


@pytest.fixture
def replaced(direct: S3Objects, name: str) -> Any:
    """The generation of an object in whose place another one stands by now."""
    first = direct.create(name, b"first", content_type=PNG)
    direct.delete(name)
    direct.create(name, b"other", content_type=PNG)
    return first.generation


def test_a_store_that_passes_over_the_condition_of_a_removal_keeps_what_is_another_s(
    server: FaultyS3, remove: Remove, direct: S3Objects, replaced: Any, name: str
) -> None:
    server.script = [Fault.NO_CONDITION] * 2
    remove(name, replaced)
    assert direct.read(name) == b"other"


def test_a_store_that_refuses_the_condition_of_a_removal_still_removes(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, Refusal(501, "NotImplemented")]
    remove(name, stored.generation)
    assert [it.method for it in server.asked] == ["HEAD", "DELETE", "DELETE"]
    assert server.asked[1].headers["if-match"] == stored.generation
    with pytest.raises(Missing):
        direct.read(name)


@pytest.mark.parametrize("refusal", [Refusal(412, "PreconditionFailed"), Refusal(404, "NoSuchKey")])
def test_what_became_another_s_between_the_look_and_the_removal_stays(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str, refusal: Refusal
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, refusal]
    remove(name, stored.generation)
    assert direct.read(name) == PICTURE


def test_a_removal_whose_reply_was_lost_is_done(
    server: FaultyS3, remove: Remove, direct: S3Objects, name: str
) -> None:
    stored = direct.create(name, PICTURE, content_type=PNG)
    server.script = [Fault.NONE, Fault.LOST_REPLY]
    remove(name, stored.generation)
    with pytest.raises(Missing):
        direct.read(name)


@pytest.mark.parametrize("generation", [None, '"0123"'])
def test_a_removal_that_is_not_allowed_is_no_removal(
    server: FaultyS3, remove: Remove, name: str, generation: str | None
) -> None:
    server.script = [Refusal(403, "AccessDenied")]
    with pytest.raises(ClientError):
        remove(name, generation)


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
        a_page(files)
