"""A small internet: a name service with a script, addresses that lead to one real TLS server."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import httpcore2

from gpu_worker.ports import Unresolved

#: Of the public internet, by their form; nobody is asked there.
PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
MAX_REQUEST_BYTES = 65_536
SERVER_SECONDS = 20.0


class ScriptedResolver:
    """A `Resolver`: the nth question about a host gets the nth answer, later ones the last."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._answers = answers
        #: In order.
        self.asked: list[str] = []

    def resolve(self, host: str, *, timeout_seconds: float) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host)
        if not answers:
            raise Unresolved(host)
        return answers[min(self.asked.count(host), len(answers)) - 1]


class Switchboard(httpcore2.NetworkBackend):
    """Connects every address to one server on this machine, and notes which it was."""

    def __init__(self, port: int) -> None:
        self._port = port
        #: Address and port as they were dialled.
        self.dialled: list[tuple[str, int]] = []
        #: Nobody answers there.
        self.dead: set[str] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        self.dialled.append((host, port))
        if host in self.dead:
            raise httpcore2.ConnectError("refused")
        return httpcore2.SyncBackend().connect_tcp("127.0.0.1", self._port, timeout=timeout)


class Conversation:
    """One connection, after its request was read."""

    def __init__(self, connection: ssl.SSLSocket, over: threading.Event) -> None:
        self._connection = connection
        #: Set when the server closes: what a handler waits for that answers never.
        self.over = over

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def reset(self) -> None:
        """Without a word, as a host that crashes."""
        linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._connection.close()


Handler = Callable[[Conversation], None]


def answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> Handler:
    """`content_type="image/png"` is the header Content-Type."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "content_length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")
    return lambda conversation: conversation.send(head + body)


def in_turn(*handlers: Handler) -> Handler:
    """Each request gets the next one."""
    left = iter(handlers)

    def send(conversation: Conversation) -> None:
        next(left)(conversation)

    return send


class WebServer:
    """Answers each path with its handler, and notes what was asked."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.routes: dict[str, Handler] = {}
        #: The first lines and headers of requests, in order.
        self.requests: list[str] = []
        #: The names that clients asked for in TLS.
        self.names: list[str | None] = []
        self._tls = tls
        self._tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(SERVER_SECONDS)
        # The client may leave at any moment; it is the one under test.
        with suppress(OSError), self._tls.wrap_socket(plain, server_side=True) as connection:
            request = b""
            while b"\r\n\r\n" not in request and len(request) < MAX_REQUEST_BYTES:
                data = connection.recv(MAX_REQUEST_BYTES)
                if not data:
                    return
                request += data
            text = request.decode("latin-1")
            self.requests.append(text)
            self.routes[text.split(" ", 2)[1]](Conversation(connection, self._over))
            if connection.fileno() >= 0:  # else a handler closed it
                connection.unwrap()


@contextmanager
def running_server(tls: ssl.SSLContext) -> Iterator[WebServer]:
    server = WebServer(tls)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(SERVER_SECONDS)
