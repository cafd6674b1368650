"""The adapters over a service that fails: what is tried again, and what the caller is told.

The service is a gRPC server in this process that answers with a script of status codes.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.api_core.retry import Retry
from google.cloud import firestore
from grpc import StatusCode as Code

from shared.ports import Conflict, Missing, Overdue, Rejected, Unavailable
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.adapters.pubsub import PubSubPublisher, unbatched_publisher_client
from trigger.adapters.transient import RETRY

PATH = "users/ann/generations/g1"
#: Instead of RETRY_SECONDS, for the tests that wait for its end.
#: Ends by giving up, so it is what such a test takes; the first call connects too.
SHORT_RETRY = RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(1.0)
#: Ends by success.
PATIENT_RETRY = RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(30.0)

ANY_VERSION = datetime(2026, 11, 1, tzinfo=UTC)


class Service:
    """Answers every call with the next code of the script, and then always with the last.

    A generic handler: grpc asks for no more than `service`.
    """

    def __init__(self, *script: Code) -> None:
        self.script = list(script)
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method.rpartition("/")[2]

        def answer(_request: bytes, context: grpc.ServicerContext) -> Any:
            with self._lock:
                self.calls.append(method)
                code = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            context.abort(code, f"scripted {code.name}")

        if method in ("BatchGetDocuments", "RunQuery"):
            return grpc.unary_stream_rpc_method_handler(answer)
        return grpc.unary_unary_rpc_method_handler(answer)


Serve = Callable[..., tuple[Service, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[grpc.Server] = []

    def start(*script: Code) -> tuple[Service, str]:
        service = Service(*script)
        server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[service])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return service, f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(None).wait()


@pytest.fixture
def documents_at(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., FirestoreDocuments]]:
    with contextlib.ExitStack() as clients:

        def build(address: str, retry: Retry = SHORT_RETRY) -> FirestoreDocuments:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
            client = firestore.Client(project="demo-faults")
            clients.callback(client.close)
            return FirestoreDocuments(client, retry)

        yield build


LOOKS: dict[str, Callable[[FirestoreSearch], object]] = {
    "RunQuery": lambda search: search.overdue(Overdue.LAPSED, before=ANY_VERSION, limit=5),
    "BatchGetDocuments": lambda search: search.states([PATH], ["status"]),
}


@pytest.fixture
def search_at(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], FirestoreSearch]]:
    with contextlib.ExitStack() as clients:

        def build(address: str) -> FirestoreSearch:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
            client = firestore.Client(project="demo-faults")
            clients.callback(client.close)
            return FirestoreSearch(client, SHORT_RETRY)

        yield build


@pytest.fixture
def publisher_at(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], PubSubPublisher]]:
    with contextlib.ExitStack() as clients:

        def build(address: str) -> PubSubPublisher:
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
            client = unbatched_publisher_client()
            clients.callback(client.transport.close)
            return PubSubPublisher(client, "demo-faults", SHORT_RETRY)

        yield build


TRANSIENT = [Code.UNAVAILABLE, Code.ABORTED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL]


@pytest.mark.parametrize("code", [*TRANSIENT, Code.DEADLINE_EXCEEDED], ids=lambda code: code.name)
def test_a_read_is_tried_again_and_then_says_that_firestore_is_away(
    serve: Serve, documents_at: Callable[..., FirestoreDocuments], code: Code
) -> None:
    service, address = serve(code)
    with pytest.raises(Unavailable, match=f"{PATH}: .*scripted {code.name}"):
        documents_at(address).read(PATH)
    assert len(service.calls) > 1


@pytest.mark.parametrize("code", TRANSIENT, ids=lambda code: code.name)
def test_a_write_is_tried_again(
    serve: Serve, documents_at: Callable[..., FirestoreDocuments], code: Code
) -> None:
    service, address = serve(code, Code.FAILED_PRECONDITION)
    with pytest.raises(Conflict):
        documents_at(address, PATIENT_RETRY).update(PATH, {"a": 1}, expected=ANY_VERSION)
    assert service.calls == ["Commit", "Commit"]


@pytest.mark.parametrize(
    ("code", "error"), [(Code.FAILED_PRECONDITION, Conflict), (Code.NOT_FOUND, Missing)]
)
def test_a_lost_race_is_not_tried_again(
    serve: Serve,
    documents_at: Callable[..., FirestoreDocuments],
    code: Code,
    error: type[Exception],
) -> None:
    service, address = serve(code)
    with pytest.raises(error):
        documents_at(address).update(PATH, {"a": 1}, expected=ANY_VERSION)
    assert service.calls == ["Commit"]


def test_a_write_that_firestore_calls_invalid_is_rejected_without_its_words(
    serve: Serve, documents_at: Callable[..., FirestoreDocuments]
) -> None:
    service, address = serve(Code.INVALID_ARGUMENT)
    with pytest.raises(Rejected) as caught:
        documents_at(address).update(PATH, {"a": 1}, expected=ANY_VERSION)
    assert "scripted" not in str(caught.value)
    assert service.calls == ["Commit"]


def test_a_fault_of_our_own_is_neither_tried_again_nor_hidden(
    serve: Serve, documents_at: Callable[..., FirestoreDocuments]
) -> None:
    service, address = serve(Code.PERMISSION_DENIED)
    with pytest.raises(Exception, match="scripted PERMISSION_DENIED") as caught:
        documents_at(address).read(PATH)
    assert not isinstance(caught.value, Unavailable)
    assert len(service.calls) == 1


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_search_is_tried_again_and_then_says_that_firestore_is_away(
    serve: Serve,
    search_at: Callable[[str], FirestoreSearch],
    look: Callable[[FirestoreSearch], object],
) -> None:
    service, address = serve(Code.UNAVAILABLE)
    with pytest.raises(Unavailable, match="Firestore did not answer for the"):
        look(search_at(address))
    assert len(service.calls) > 1


def test_a_search_without_its_index_is_no_conflict_and_not_tried_again(
    serve: Serve, search_at: Callable[[str], FirestoreSearch]
) -> None:
    service, address = serve(Code.FAILED_PRECONDITION)
    with pytest.raises(Exception, match="scripted") as caught:
        LOOKS["RunQuery"](search_at(address))
    assert type(caught.value).__name__ == "FailedPrecondition"
    assert service.calls == ["RunQuery"]


@pytest.mark.parametrize("code", TRANSIENT, ids=lambda code: code.name)
def test_publishing_is_tried_again_and_then_says_that_pubsub_is_away(
    serve: Serve, publisher_at: Callable[[str], PubSubPublisher], code: Code
) -> None:
    service, address = serve(code)
    with pytest.raises(Unavailable, match="generate-image"):
        publisher_at(address).publish("generate-image", b"x")
    assert len(service.calls) > 1


def test_a_topic_that_does_not_exist_is_not_tried_again(
    serve: Serve, publisher_at: Callable[[str], PubSubPublisher]
) -> None:
    service, address = serve(Code.NOT_FOUND)
    with pytest.raises(Missing, match="projects/demo-faults/topics/generate-image"):
        publisher_at(address).publish("generate-image", b"x")
    assert service.calls == ["Publish"]
