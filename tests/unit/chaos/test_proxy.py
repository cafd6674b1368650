"""The proxy forwards, and misbehaves in each way when it is told to."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import TRICKLE_BYTES, Fault, Proxy

TIMEOUT_SECONDS = 20.0
#: Long enough to know that nothing comes, as far as one can.
SILENCE_SECONDS = 0.3


class Echo:
    """A server that sends back what it gets, and keeps it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = bytearray()
        self.changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for(self, data: bytes) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: data in self.heard, TIMEOUT_SECONDS)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    with self.changed:
                        self.heard += data
                        self.changed.notify_all()
                    connection.sendall(data)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.address) as proxy:
        yield proxy


def connected(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS)


def received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def test_without_a_fault_bytes_go_there_and_back(proxy: Proxy) -> None:
    sent = bytes(range(256)) * 1000
    with connected(proxy) as connection:
        threading.Thread(target=connection.sendall, args=(sent,)).start()
        assert received(connection, len(sent)) == sent


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.TRICKLE])
def test_slow_bytes_arrive_whole_and_in_order(proxy: Proxy, fault: Fault) -> None:
    sent = bytes(range(256)) * 2
    assert len(sent) > TRICKLE_BYTES
    with connected(proxy) as connection, proxy.faulty(fault):
        connection.sendall(sent)
        assert received(connection, len(sent)) == sent


def test_a_reset_ends_what_is_connected_and_what_comes(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"hello")
        assert received(connection, 5) == b"hello"
        with proxy.faulty(Fault.RESET):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            # Now or at the first byte, as it happens.
            with pytest.raises(ConnectionResetError), connected(proxy) as another:
                another.recv(1)
    with connected(proxy) as connection:
        connection.sendall(b"again")
        assert received(connection, 5) == b"again"


def test_a_swallowed_reply_is_lost_though_the_request_arrived(proxy: Proxy, echo: Echo) -> None:
    with connected(proxy) as connection:
        with proxy.faulty(Fault.SWALLOW_REPLIES):
            connection.sendall(b"commit")
            assert echo.wait_for(b"commit")
            connection.settimeout(SILENCE_SECONDS)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(TIMEOUT_SECONDS)
        # What would follow makes no sense without what was lost.
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_held_request_arrives_when_the_fault_is_over(proxy: Proxy, echo: Echo) -> None:
    with connected(proxy) as connection:
        with proxy.faulty(Fault.HOLD_REQUESTS):
            connection.sendall(b"late")
            connection.settimeout(SILENCE_SECONDS)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert not echo.heard
            connection.settimeout(TIMEOUT_SECONDS)
        assert received(connection, 4) == b"late"
