"""A TCP front whose connections can die in silence: they stay open, and nothing gets through."""

import socket
import threading
from contextlib import suppress

BLOCK_BYTES = 65_536


class SilentFront:
    """Hands every byte on to `behind` (host:port), until told otherwise."""

    def __init__(self, behind: str) -> None:
        host, _, port = behind.rpartition(":")
        self._behind = (host, int(port))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"
        self._lock = threading.Lock()
        self._silent = 0
        self._connections: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._welcome)]
        self._threads[0].start()

    @property
    def connections(self) -> int:
        """Made so far."""
        with self._lock:
            return len(self._connections)

    def silence(self) -> None:
        """From now on, of the connections that there are; new ones work."""
        with self._lock:
            self._silent = len(self._connections)

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._threads[0].join()
        for end in (end for ends in self._connections for end in ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (end for ends in self._connections for end in ends):
            end.close()

    def _welcome(self) -> None:
        while True:
            try:
                ours, _ = self._door.accept()
            except OSError:
                return
            theirs = socket.create_connection(self._behind)
            with self._lock:
                number = len(self._connections)
                self._connections.append((ours, theirs))
            for way in ((ours, theirs), (theirs, ours)):
                thread = threading.Thread(target=self._hand_on, args=(number, *way))
                self._threads.append(thread)
                thread.start()

    def _hand_on(self, number: int, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(BLOCK_BYTES):
                with self._lock:
                    silent = number < self._silent
                if not silent:
                    target.sendall(data)
            # Who hangs up on the one side does so on the other.
            target.shutdown(socket.SHUT_RDWR)
