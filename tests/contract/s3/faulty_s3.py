"""An S3 server with faults: passes requests on to a real one, but for those that a script spoils.

Stands between an adapter and moto, so that what the adapter does about a fault ends in what a store
then really holds.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_SECONDS = 10.0


class Fault(Enum):
    """What becomes of one request."""

    #: Nothing: it is answered as the store does.
    NONE = auto()
    #: The store does what it says, and the connection ends before the answer.
    LOST_REPLY = auto()
    #: The connection ends amid the answer.
    CUT = auto()
    #: One bit of the answer's body is another.
    DAMAGED = auto()
    #: The store passes over the header of ranges, or of conditions.
    NO_RANGE = auto()
    NO_CONDITION = auto()


@dataclass(frozen=True)
class Refusal:
    """Answered without asking the store."""

    status: int
    code: str


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    #: Names in lower case.
    headers: dict[str, str]


class FaultyS3(ThreadingHTTPServer):
    """Takes the next of `script` for each request, and nothing when that is over."""

    daemon_threads = True

    def __init__(self, store: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store.removeprefix("http://")
        self.reset()

    def reset(self) -> None:
        self.script: list[Fault | Refusal] = []
        self.asked: list[Asked] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FaultyS3
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers))
        fault = self.server.script.pop(0) if self.server.script else Fault.NONE
        if isinstance(fault, Refusal):
            text = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>"
            self._reply(fault.status, {"Content-Type": "application/xml"}, text.encode())
            return
        unknown = {Fault.NO_RANGE: ("range",), Fault.NO_CONDITION: ("if-match", "if-none-match")}
        for name in unknown.get(fault, ()):
            headers.pop(name, None)
        status, answered, content = self._ask(body, headers)
        if fault is Fault.LOST_REPLY:
            self.close_connection = True
            return
        if fault is Fault.DAMAGED:
            content = bytes([content[0] ^ 1]) + content[1:]
        self._reply(status, answered, content, cut=fault is Fault.CUT)

    def _ask(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.server.store, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _reply(
        self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False
    ) -> None:
        own = {"connection", "transfer-encoding", "date", "server"}
        if self.command != "HEAD":  # whose answer tells the length of what it does not bring
            headers = {**headers, "Content-Length": str(len(content))}
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in own:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def faulty_s3(store: str) -> Iterator[FaultyS3]:
    """`store` is `http://host:port` of the server that is passed on to."""
    with FaultyS3(store) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
