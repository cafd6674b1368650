"""A way to a server that a test can close: bytes go through until `freeze`, then nowhere."""

import socket
import threading
from typing import Self

CHUNK_BYTES = 65_536


class Gate:
    """A context manager. Connections stay open when it is frozen: nobody is told anything."""

    def __init__(self, behind: str) -> None:
        """`behind` is the server's `host:port`."""
        host, _, port = behind.rpartition(":")
        self._behind = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        #: Set when somebody has sent something.
        self.used = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []

    def freeze(self) -> None:
        self._open.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for it in (self._listener, *self._sockets):
            it.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._behind)
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK_BYTES):
                self.used.set()
                if not self._open.is_set():
                    return  # swallowed, and so is all that follows
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return
