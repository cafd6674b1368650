"""One server for all tests of fetching, and what asks it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from gpu_worker.adapters.input_images import DeploymentImages
from gpu_worker.adapters.web_images import FETCH_SECONDS, WebImages
from gpu_worker.image_addresses import ServedAddresses
from gpu_worker.ports import never_stopped
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.in_memory_objects import InMemoryObjects
from tests.unit.input_images.cases import ALLOWED, BUCKET, DOWNLOADS, HOSTS, TOKEN, UID
from tests.unit.input_images.certificates import Authority
from tests.unit.input_images.web import (
    PUBLIC,
    ScriptedResolver,
    Switchboard,
    WebServer,
    answer,
    running_server,
)

URL = f"{ALLOWED}/a.png"
PHOTO = b"\x89PNG and so on"

SERVED = ServedAddresses(bucket=BUCKET, download_host=DOWNLOADS, hosts=HOSTS)


class Worker:
    """The real wall of a deployment, between a scripted name service and a real server."""

    def __init__(
        self,
        server: WebServer,
        authority: Authority,
        answers: Mapping[str, Sequence[Sequence[str]]] | None = None,
        *,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        self.resolver = ScriptedResolver({HOSTS[0]: [[PUBLIC]], **(answers or {})})
        self.switchboard = Switchboard(server.port)
        self.objects = InMemoryObjects()
        web = WebImages(
            SERVED,
            self.resolver,
            dialler=self.switchboard,
            trust=authority.trust(),
            seconds=seconds,
        )
        self._images = DeploymentImages(self.objects, SERVED, web)

    def fetch(
        self, url: str, *, uid: str | None = UID, check: Callable[[], None] = never_stopped
    ) -> bytes:
        return self._images.fetch(url, field="image_url", uid=uid, check=check)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def _server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder: Path = tmp_path_factory.mktemp("tls")
    # Not for b.cdn.example.com: a host whose certificate is somebody else's.
    tls = authority.server([HOSTS[0], "a.cdn.example.com"], folder)
    with running_server(tls) as server:
        yield server


@pytest.fixture
def server(_server: WebServer) -> WebServer:
    """As if new."""
    _server.routes.clear()
    _server.requests.clear()
    _server.names.clear()
    return _server


@pytest.fixture
def worker(server: WebServer, authority: Authority) -> Worker:
    return Worker(server, authority)


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
