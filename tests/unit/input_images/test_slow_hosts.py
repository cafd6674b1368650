"""Hosts that never come to an end, or that fail for a while: bounded in bytes, time and tries."""

import threading

import pytest

from gpu_worker.adapters.web_images import TRIES
from tests.unit.input_images.cases import HOSTS
from tests.unit.input_images.certificates import Authority
from tests.unit.input_images.conftest import PHOTO, URL, Worker, busy, picture, refused, unavailable
from tests.unit.input_images.web import Conversation, Handler, WebServer, answer, in_turn

#: Long enough for a handshake here, short enough to wait for.
SOON_SECONDS = 1.0
HOST = HOSTS[0]


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
