"""Chooses a free TCP port for each emulator, the usual one where possible.

A chosen port is reserved by a locked file in the system's temporary directory until the emulators
listen, so that two stacks starting at once cannot choose the same. Bound: PORTS_TO_TRY.
"""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tools.stack.failure import StackError
from tools.stack.names import HOST

#: As in firebase.json and firebase-tools' documentation.
USUAL_PORTS = MappingProxyType(
    {
        "auth": 9099,
        "firestore": 8080,
        "pubsub": 8085,
        "functions": 5001,
        "storage": 9199,
        "hub": 4400,
        "logging": 4500,
        "eventarc": 9299,
        "tasks": 9499,
        "websocket": 9150,
    }
)

#: How far from the usual port the search goes before it gives up.
PORTS_TO_TRY = 400


@contextmanager
def reserved_ports() -> Iterator[dict[str, int]]:
    """Yields a free port for each name of USUAL_PORTS, kept from other stacks meanwhile."""
    locks: list[int] = []
    try:
        chosen: dict[str, int] = {}
        for name, usual in USUAL_PORTS.items():
            # Not the usual ports of others: whoever starts them next expects them free.
            others = set(USUAL_PORTS.values()) - {usual} | set(chosen.values())
            candidates = (port for port in range(usual, usual + PORTS_TO_TRY) if port not in others)
            for port in candidates:
                lock = _reserve(port)
                if lock is not None:
                    locks.append(lock)
                    chosen[name] = port
                    break
            else:
                raise StackError(
                    f"No free port for the {name} emulator"
                    f" between {usual} and {usual + PORTS_TO_TRY - 1}."
                )
        yield chosen
    finally:
        for lock in locks:
            os.close(lock)


def _reserve(port: int) -> int | None:
    """An open lock on `port` if nothing listens there and no other stack has chosen it."""
    directory = Path(tempfile.gettempdir()) / f"emberframe-ports-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(directory / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not can_listen(port):
        os.close(lock)
        return None
    return lock


def can_listen(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # As servers do: without it a port would seem taken for a minute after its last use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True
