"""Fetching from allowed hosts: a real TLS server that behaves as badly as it can."""

import gzip
import threading

import pytest

from gpu_worker.adapters.web_images import MAX_FETCHED_BYTES, MAX_REDIRECTS, TRIES
from shared.errors import ErrorCode, GenerationError, InvalidInput
from tests.unit.input_images.cases import (
    ALLOWED,
    HOSTS,
    PRIVATE_ADDRESSES,
    TOKEN,
    WRONG_REDIRECTS,
)
from tests.unit.input_images.certificates import Authority
from tests.unit.input_images.conftest import Worker
from tests.unit.input_images.web import (
    PUBLIC,
    PUBLIC_V6,
    Conversation,
    Handler,
    WebServer,
    answer,
    in_turn,
)

URL = f"{ALLOWED}/a.png"
PHOTO = b"\x89PNG and so on"
METADATA = "169.254.169.254"
HOST = HOSTS[0]
#: Long enough for a handshake here, short enough to wait for.
SOON_SECONDS = 1.0

picture = answer(PHOTO, content_type="image/png")
busy = answer(status="503 Service Unavailable")


def refused(worker: Worker, url: str = URL) -> str:
    with pytest.raises(InvalidInput) as caught:
        worker.fetch(url)
    assert caught.value.message.startswith("image_url")
    assert TOKEN not in caught.value.message
    return caught.value.message


def unavailable(worker: Worker, url: str = URL) -> str:
    with pytest.raises(GenerationError) as caught:
        worker.fetch(url)
    assert caught.value.code is ErrorCode.INPUT_UNAVAILABLE
    assert not caught.value.retryable
    assert caught.value.message.startswith("image_url cannot be had: ")
    assert TOKEN not in caught.value.message
    return caught.value.message


def test_a_picture_comes_from_the_checked_address_under_the_host_s_own_name(
    worker: Worker, server: WebServer
) -> None:
    server.routes[f"/a.png?token={TOKEN}&x=%C3%A4"] = picture
    assert worker.fetch(f"{URL}?token={TOKEN}&x=ä#part") == PHOTO
    assert worker.switchboard.dialled == [(PUBLIC, 443)]
    assert server.names == [HOST]
    (request,) = server.requests
    assert f"\r\nHost: {HOST}\r\n" in request
    assert "\r\nAccept-Encoding: identity\r\n" in request
    assert "cookie" not in request.lower()
    assert "authorization" not in request.lower()


def test_a_host_below_an_allowed_one_is_allowed(server: WebServer, authority: Authority) -> None:
    server.routes["/"] = picture
    worker = Worker(server, authority, {"a.cdn.example.com": [[PUBLIC_V6, PUBLIC]]})
    assert worker.fetch("https://A.CDN.example.com:443") == PHOTO
    assert worker.switchboard.dialled == [(PUBLIC_V6, 443)]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_a_name_that_leads_to_no_public_address_is_refused_before_anything_is_dialled(
    server: WebServer, authority: Authority, address: str
) -> None:
    for answered in ([address], [PUBLIC, address]):
        worker = Worker(server, authority, {HOST: [answered]})
        said = refused(worker)
        assert "leads to an address that is not one of the public internet" in said
        assert address not in said
        assert worker.switchboard.dialled == []


def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    server: WebServer, authority: Authority
) -> None:
    server.routes["/a.png"] = picture
    worker = Worker(server, authority, {HOST: [[PUBLIC], [METADATA]]})
    assert worker.fetch(URL) == PHOTO
    assert worker.resolver.asked == [HOST], "what was checked is what was dialled"
    assert worker.switchboard.dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize("first", [answer(status="302 Found", location="/b.png"), busy])
def test_a_name_that_turns_private_between_two_requests_is_refused(
    server: WebServer, authority: Authority, first: Handler
) -> None:
    server.routes["/a.png"] = first
    worker = Worker(server, authority, {HOST: [[PUBLIC], [METADATA]]})
    assert "leads to an address" in refused(worker)
    assert worker.switchboard.dialled == [(PUBLIC, 443)]


def test_addresses_that_do_not_answer_are_passed_over(
    server: WebServer, authority: Authority
) -> None:
    server.routes["/a.png"] = picture
    worker = Worker(server, authority, {HOST: [[PUBLIC_V6, PUBLIC]]})
    worker.switchboard.dead = {PUBLIC_V6}
    assert worker.fetch(URL) == PHOTO
    assert worker.switchboard.dialled == [(PUBLIC_V6, 443), (PUBLIC, 443)]


@pytest.mark.parametrize("location", WRONG_REDIRECTS)
def test_a_redirect_is_judged_like_a_first_address(
    worker: Worker, server: WebServer, location: str
) -> None:
    server.routes["/a.png"] = answer(status="302 Found", location=location)
    said = refused(worker)
    assert said.startswith("image_url's redirect is ")
    assert "it must be a data URL" in said
    assert worker.resolver.asked == [HOST]


@pytest.mark.parametrize(
    ("status", "location"),
    [
        ("301 Moved Permanently", "/b.png"),
        ("302 Found", "b.png"),
        ("307 Temporary Redirect", "https://photos.example.com/b.png"),
        ("308 Permanent Redirect", "//photos.example.com/b.png"),
    ],
)
def test_a_redirect_within_the_allowed_hosts_is_followed(
    worker: Worker, server: WebServer, status: str, location: str
) -> None:
    server.routes["/a.png"] = answer(status=status, location=location)
    server.routes["/b.png"] = picture
    assert worker.fetch(URL) == PHOTO
    assert worker.resolver.asked == [HOST, HOST], "each hop is checked"


def test_redirects_in_a_circle_end(worker: Worker, server: WebServer) -> None:
    server.routes["/a.png"] = answer(status="302 Found", location="/a.png")
    assert "redirected more than 3 times" in refused(worker)
    assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/json", "image/svg+xml", "image/gif", "", "image/*"]
)
def test_what_its_host_does_not_call_a_picture_is_not_read(
    worker: Worker, server: WebServer, content_type: str
) -> None:
    server.routes["/a.png"] = answer(b"secret", content_type=content_type)
    said = refused(worker)
    assert "no picture by what its host says" in said
    assert "secret" not in said


def test_a_picture_s_type_may_have_parameters_and_capitals(
    worker: Worker, server: WebServer
) -> None:
    server.routes["/a.png"] = answer(PHOTO, content_type="Image/JPEG; charset=binary")
    assert worker.fetch(URL) == PHOTO


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body_is_never_unpacked(
    worker: Worker, server: WebServer, encoding: str
) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    server.routes["/a.png"] = answer(bomb, content_type="image/png", content_encoding=encoding)
    assert "comes compressed" in refused(worker)


def test_a_body_that_says_it_is_too_large_is_not_read(worker: Worker, server: WebServer) -> None:
    server.routes["/a.png"] = answer(
        content_type="image/png", content_length=str(MAX_FETCHED_BYTES + 1)
    )
    assert "at most 20 MB" in refused(worker)


def endless(head: str, piece: bytes) -> Handler:
    def send(conversation: Conversation) -> None:
        conversation.send(f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n{head}\r\n".encode())
        while not conversation.over.is_set():
            conversation.send(piece)

    return send


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("", b"\0" * 65_536),
        ("Transfer-Encoding: chunked\r\n", b"10000\r\n" + b"\0" * 65_536 + b"\r\n"),
    ],
    ids=["until it closes", "in chunks"],
)
def test_an_endless_body_is_cut_off(
    worker: Worker, server: WebServer, head: str, piece: bytes
) -> None:
    server.routes["/a.png"] = endless(head, piece)
    assert "at most 20 MB" in refused(worker)


def slow(beginning: bytes) -> Handler:
    """Says something and then nothing more."""

    def send(conversation: Conversation) -> None:
        conversation.send(beginning)
        conversation.over.wait()

    return send


def dripping(beginning: bytes, drop: bytes) -> Handler:
    """Each drop comes before any time-out for a single one."""

    def send(conversation: Conversation) -> None:
        conversation.send(beginning)
        while not conversation.over.wait(SOON_SECONDS / 10):
            conversation.send(drop)

    return send


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(slow(b""), id="no answer"),
        pytest.param(slow(HEAD + b"\r\n"), id="no body"),
        pytest.param(slow(HEAD + b"Content-Length: 9\r\n\r\nhalf"), id="half a body"),
        pytest.param(dripping(HEAD, b"X-More: 1\r\n"), id="headers by and by"),
        pytest.param(dripping(HEAD + b"\r\n", b"\0"), id="a byte at a time"),
    ],
)
def test_a_host_has_one_deadline_for_everything(
    server: WebServer, authority: Authority, handler: Handler
) -> None:
    server.routes["/a.png"] = handler
    worker = Worker(server, authority, seconds=SOON_SECONDS)
    assert "did not deliver it within 1 seconds" in unavailable(worker)


class Enough(BaseException):
    """As the lifecycle ends a job."""


def test_a_job_that_is_to_stop_does_not_wait_for_a_slow_host(
    worker: Worker, server: WebServer
) -> None:
    asked = threading.Event()

    def hang(conversation: Conversation) -> None:
        asked.set()
        conversation.over.wait()

    def check() -> None:
        if asked.is_set():
            raise Enough

    server.routes["/a.png"] = hang
    with pytest.raises(Enough):
        worker.fetch(URL, check=check)


def reset(conversation: Conversation) -> None:
    conversation.reset()


def nonsense(conversation: Conversation) -> None:
    conversation.send(b"SSH-2.0-OpenSSH_9.6\r\n")


def cut_off(conversation: Conversation) -> None:
    conversation.send(HEAD + b"Content-Length: 100\r\n\r\nhalf")


PASSING = {
    "busy": busy,
    "too many": answer(status="429 Too Many Requests"),
    "broken gateway": answer(status="502 Bad Gateway"),
    "reset": reset,
    "nonsense": nonsense,
    "cut off": cut_off,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again(worker: Worker, server: WebServer, fault: Handler) -> None:
    server.routes["/a.png"] = in_turn(fault, fault, picture)
    assert worker.fetch(URL) == PHOTO


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_given_up_with_a_sentence(
    worker: Worker, server: WebServer, fault: Handler
) -> None:
    server.routes["/a.png"] = fault
    assert "also when it was tried again" in unavailable(worker)
    assert len(server.requests) == TRIES


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "204 No Content", "304 No"])
def test_an_answer_that_is_no_picture_is_final(
    worker: Worker, server: WebServer, status: str
) -> None:
    server.routes["/a.png"] = answer(status=status)
    assert f"answers with the status {status[:3]}" in unavailable(worker)
    assert len(server.requests) == 1


def test_a_host_without_an_address_is_looked_for_again_and_then_said_to_have_none(
    server: WebServer, authority: Authority
) -> None:
    worker = Worker(server, authority, {HOST: []})
    assert "its host has no address that could be found" in unavailable(worker)
    assert worker.resolver.asked == [HOST] * TRIES


def test_a_certificate_of_another_name_or_authority_is_not_believed(
    server: WebServer, authority: Authority
) -> None:
    worker = Worker(server, authority, {"b.cdn.example.com": [[PUBLIC]]})
    assert "no valid certificate" in unavailable(worker, "https://b.cdn.example.com/a.png")
    assert "no valid certificate" in unavailable(Worker(server, Authority()))
    assert server.requests == []
