"""`StorageListing` over a service that fails: an HTTP server here that answers with a script."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from shared.ports import Missing, Rejected, Unavailable
from trigger.adapters.storage import STORAGE_RETRY, StorageListing
from trigger.wiring import bucket_of

NAME = "users/ann/generations/g1/7/0.png"
SHORT_RETRY = STORAGE_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(1.0)
ITEM = {"name": NAME, "timeCreated": "2026-11-01T12:00:00.123Z", "generation": "17"}


class Service(ThreadingHTTPServer):
    """Answers every request with the next status of the script, and then always with the last."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = [200]
        self.asked: list[tuple[str, dict[str, list[str]]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self._answer(json.dumps({"items": [ITEM], "nextPageToken": "more"}).encode())

    def do_DELETE(self) -> None:
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        if "/o" not in self.path:
            # The client library asks for the bucket once, on a thread of its own, for its traces.
            self._reply(200, b"{}")
            return
        script = self.server.script
        self.server.asked.append((self.command, parse_qs(urlsplit(self.path).query)))
        self._reply(script.pop(0) if len(script) > 1 else script[0], body)

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def files(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageListing]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{service.server_port}")
    client = storage.Client(project="faults", credentials=AnonymousCredentials())
    yield StorageListing(client, "pictures", SHORT_RETRY)
    client.close()


CALLS: dict[str, Callable[[StorageListing], object]] = {
    "page": lambda files: files.page("users/", limit=5, page="here"),
    "delete": lambda files: files.delete(NAME, generation=17),
}


def test_a_page_is_asked_for_by_prefix_place_and_size(
    service: Service, files: StorageListing
) -> None:
    page = files.page("users/", limit=5, page="here")
    (asked,) = service.asked
    assert asked[0] == "GET"
    wanted = {"prefix": ["users/"], "pageToken": ["here"], "maxResults": ["5"]}
    assert wanted.items() <= asked[1].items()
    (listed,) = page.objects
    assert (listed.name, listed.generation, page.next_page) == (NAME, 17, "more")
    assert listed.created_at.isoformat() == "2026-11-01T12:00:00.123000+00:00"


def test_a_removal_is_bound_to_the_object_that_was_listed(
    service: Service, files: StorageListing
) -> None:
    files.delete(NAME, generation=17)
    ((method, asked),) = service.asked
    assert (method, asked["ifGenerationMatch"]) == ("DELETE", ["17"])


@pytest.mark.parametrize("status", [404, 412])
def test_removing_what_is_gone_or_is_another_s_by_now_is_fine(
    service: Service, files: StorageListing, status: int
) -> None:
    service.script = [status]
    files.delete(NAME, generation=17)
    assert len(service.asked) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_tried_again(
    service: Service, files: StorageListing, call: Callable[[StorageListing], object], status: int
) -> None:
    service.script = [status, 200]
    call(files)
    assert len(service.asked) == 2


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_fault_that_stays_is_said_without_the_object_s_address(
    service: Service, files: StorageListing, call: Callable[[StorageListing], object]
) -> None:
    service.script = [503]
    with pytest.raises(Unavailable, match=r"did not answer for .+: ServiceUnavailable") as it:
        call(files)
    assert NAME not in str(it.value)
    assert "http" not in str(it.value)


@pytest.mark.parametrize(("status", "error"), [(400, Rejected), (404, Missing)])
def test_a_page_or_bucket_that_is_not_there_is_not_tried_again(
    service: Service, files: StorageListing, status: int, error: type[Exception]
) -> None:
    service.script = [status]
    with pytest.raises(error):
        files.page("users/", limit=5, page="here")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("environment", "bucket"),
    [
        ({}, "p.firebasestorage.app"),
        ({"FIREBASE_CONFIG": "{}"}, "p.firebasestorage.app"),
        ({"FIREBASE_CONFIG": '{"storageBucket": "p.appspot.com"}'}, "p.appspot.com"),
        ({"FIREBASE_CONFIG": '{"storageBucket": "x"}', "EMBERFRAME_BUCKET": "mine"}, "mine"),
        ({"EMBERFRAME_BUCKET": ""}, "p.firebasestorage.app"),
    ],
)
def test_the_bucket_is_the_one_told_or_the_platform_s_or_the_project_s(
    environment: dict[str, str], bucket: str
) -> None:
    assert bucket_of(environment, "p") == bucket
