"""Starts `litserve_server` where LitServe is installed, and asks it for pictures over HTTP.

The server starts children and leaves them behind when it is told to go: it has a group of its own.
Bound: READY_SECONDS.
"""

import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from bench.groups import running_group
from tools.stack.names import BUILD, HOST, REPOSITORY
from tools.stack.waiting import wait_until

PEERS = BUILD / "peers"
ABSENT = f"B6 goes without LitServe, which is not in {PEERS.relative_to(REPOSITORY)} (`make bench`)"
READY_SECONDS = 90.0
#: It does nothing when told to go that anybody would miss.
GRACE_SECONDS = 2.0
TAIL_CHARACTERS = 4000
REQUEST_SECONDS = 60.0


class LitServePeer:
    def __init__(self, port: int) -> None:
        self._client = httpx.Client(
            base_url=f"http://{HOST}:{port}",
            timeout=REQUEST_SECONDS,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )

    def draw(self, **request: Any) -> bytes:
        """`prompt`, `seed`, `steps` and `guidance_scale` to the pixels of one picture."""
        answer = self._client.post("/predict", json=request)
        answer.raise_for_status()
        return base64.b64decode(answer.json()["pixels"])

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return self._client.get("/health").status_code == httpx.codes.OK
        return False

    def close(self) -> None:
        self._client.close()


@contextmanager
def litserve_peer(peers: Path = PEERS) -> Iterator[LitServePeer | None]:
    """None, and a line on stderr, where it is not installed in `peers`.

    Raises `ChildProcessError` and `TimeoutError` with the end of its log.
    """
    if not (peers / "litserve").exists():
        print(ABSENT, file=sys.stderr, flush=True)
        yield None
        return
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    paths = [str(REPOSITORY), str(peers)]
    with (
        tempfile.NamedTemporaryFile() as log,
        running_group(
            [sys.executable, "-m", "bench.litserve_server", str(port)],
            env={"PYTHONPATH": os.pathsep.join(paths)},
            stdout=log.file,
            stderr=subprocess.STDOUT,
            grace_seconds=GRACE_SECONDS,
        ) as server,
    ):

        def tail() -> str:
            return Path(log.name).read_text(errors="replace")[-TAIL_CHARACTERS:]

        def assert_running() -> None:
            if server.poll() is not None:
                raise ChildProcessError(f"LitServe ended with {server.returncode}: {tail()}")

        peer = LitServePeer(port)
        deadline = time.monotonic() + READY_SECONDS
        if not wait_until(peer.answers, deadline=deadline, check=assert_running):
            raise TimeoutError(f"LitServe was not ready within {READY_SECONDS:g} s: {tail()}")
        try:
            yield peer
        finally:
            peer.close()
