"""A push intake on a port of its own, over the lifecycle in memory, as the service runs it."""

import base64
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any, Self

import httpx

from gpu_worker.health import Health, HealthFile
from gpu_worker.intake.http_server import BoundedProtocol, listen
from gpu_worker.intake.push import PushIntake
from gpu_worker.intake.push_sender import Anybody, PushSender
from gpu_worker.intake.push_service import BODY_SECONDS, PUSH_PATH, PushService
from gpu_worker.lifecycle.handled import Handled, Handler
from shared.clock import Clock
from shared.message import GenerationMessage
from shared.paths import GenerationPath
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS

HOST = "127.0.0.1"
ANSWER_BYTES = 65_536


def message(path: GenerationPath = PATH) -> bytes:
    return GenerationMessage(path=path).to_bytes()


def envelope(data: bytes, **more: Any) -> bytes:
    """As Pub/Sub sends it."""
    return json.dumps(
        {
            "message": {
                "data": base64.b64encode(data).decode(),
                "attributes": {"googclient_schemaencoding": "JSON"},
                "messageId": "2070443601311540",
                "message_id": "2070443601311540",
                "publishTime": "2026-11-23T19:13:55.749Z",
                "publish_time": "2026-11-23T19:13:55.749Z",
            },
            "subscription": "projects/p/subscriptions/s",
            "deliveryAttempt": 5,
            **more,
        }
    ).encode()


class Raw:
    """A connection that sends what it likes, as slowly as it likes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), TIMEOUT_SECONDS)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def push(self, body: bytes, *, length: int | None = None, **headers: str) -> None:
        """A request with `body`, of which it says that it is `length` bytes."""
        lines = [
            f"POST {PUSH_PATH} HTTP/1.1",
            "Host: worker",
            "Content-Type: application/json",
            f"Content-Length: {len(body) if length is None else length}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def ask(self, path: str) -> int:
        """The status of a whole answer; the connection stays open."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
        response = HTTPResponse(self._socket)
        response.begin()
        response.read()
        return response.status

    def answer(self) -> bytes:
        """All that comes until the other side closes; nothing where it just hangs up."""
        got = b""
        try:
            while more := self._socket.recv(ANSWER_BYTES):
                got += more
        except ConnectionResetError:
            pass
        return got

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Pushing:
    """One worker's push intake, running."""

    def __init__(
        self,
        runner: Handler,
        *,
        slots: int = 2,
        sender: PushSender | None = None,
        clock: Clock | None = None,
        body_seconds: float = BODY_SECONDS,
        **bounds: Any,
    ) -> None:
        """`bounds` are those of a connection."""
        self.health = HealthFile(None, clock)
        self.health.write(Health.READY)
        self.ticked = threading.Event()
        self.raised: list[BaseException] = []
        listener = listen(0)
        self.port: int = listener.getsockname()[1]
        self.client = httpx.Client(
            base_url=f"http://{HOST}:{self.port}", timeout=TIMEOUT_SECONDS, trust_env=False
        )
        self.intake = PushIntake(
            PushService(
                runner, sender or Anybody(), self.health, slots=slots, body_seconds=body_seconds
            ),
            listener,
            on_tick=self.ticked.set,
            protocol=type("Protocol", (BoundedProtocol,), bounds),
        )
        self.thread = threading.Thread(target=self._run, name="serve")

    def push(
        self, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Push `body`, or the message of the generation at PATH."""
        return self.client.post(
            PUSH_PATH,
            content=envelope(message()) if body is None else body,
            headers={"Content-Type": "application/json", **(headers or {})},
        )

    def ready(self) -> int:
        return self.client.get("/ready").status_code

    def join(self) -> None:
        self.thread.join(TIMEOUT_SECONDS)
        assert not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self.intake.run()
        except RuntimeError as error:
            self.raised.append(error)


@contextmanager
def pushing(runner: Handler, **settings: Any) -> Iterator[Pushing]:
    served = Pushing(runner, **settings)
    with served.client, served.intake:
        served.thread.start()
        try:
            yield served
        finally:
            served.intake.stop()
            served.join()


def said(response: httpx.Response, *names: str) -> Mapping[str, str]:
    return {name: response.headers[name] for name in names if name in response.headers}


class Answers:
    """A handler with one answer, or a fault."""

    def __init__(self, answer: Handled | Exception) -> None:
        self.answer = answer
        self.handled: list[GenerationPath] = []

    def handle(self, path: GenerationPath) -> Handled:
        self.handled.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Slow:
    """A sender's check that waits, as for a source of keys that does not answer."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()

    def check(self, authorization: str | None) -> None:
        self.asked.set()
        assert self.answer.wait(TIMEOUT_SECONDS)
