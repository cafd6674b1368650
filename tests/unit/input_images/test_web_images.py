"""Fetching from allowed hosts: a real TLS server that behaves as badly as it can."""

import gzip

import pytest

from gpu_worker.adapters.web_images import MAX_FETCHED_BYTES, MAX_REDIRECTS
from tests.unit.input_images.cases import (
    HOSTS,
    PRIVATE_ADDRESSES,
    TOKEN,
    WRONG_REDIRECTS,
)
from tests.unit.input_images.certificates import Authority
from tests.unit.input_images.conftest import PHOTO, URL, Worker, busy, picture, refused, unavailable
from tests.unit.input_images.web import (
    PUBLIC,
    PUBLIC_V6,
    Handler,
    WebServer,
    answer,
)

METADATA = "169.254.169.254"
HOST = HOSTS[0]


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


def test_a_host_that_leads_inside_is_told_in_the_log_by_the_setting_that_allows_it(
    server: WebServer, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake of the operator's, or somebody is at it; the sentence only its author sees."""
    inside = "some-words.cdn.example.com"
    refused(Worker(server, authority, {inside: [[METADATA]]}), f"https://{inside}/a.png")
    (record,) = [it for it in caplog.records if it.name.startswith("gpu_worker")]
    assert (record.levelname, vars(record)["fields"]) == (
        "WARNING",
        {"allowed": ".cdn.example.com"},
    )
    assert "some-words" not in caplog.text


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


def test_a_certificate_of_another_name_or_authority_is_not_believed(
    server: WebServer, authority: Authority
) -> None:
    worker = Worker(server, authority, {"b.cdn.example.com": [[PUBLIC]]})
    assert "no valid certificate" in unavailable(worker, "https://b.cdn.example.com/a.png")
    assert "no valid certificate" in unavailable(Worker(server, Authority()))
    assert server.requests == []
