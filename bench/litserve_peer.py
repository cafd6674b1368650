"""Starts `litserve_server` where LitServe is installed, and asks it for pictures over HTTP."""

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PEERS = Path(__file__).resolve().parents[1] / "build/peers"
READY_SECONDS = 90.0
REQUEST_SECONDS = 60.0


class LitServePeer:
    def __init__(self, port: int) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=REQUEST_SECONDS,
            limits=httpx.Limits(max_connections=None),
        )

    def draw(self, **request: Any) -> bytes:
        """`prompt`, `seed`, `steps` and `guidance_scale` to the pixels of one picture."""
        answer = self._client.post("/predict", json=request)
        answer.raise_for_status()
        return base64.b64decode(answer.json()["pixels"])

    def wait_ready(self) -> None:
        ends = time.monotonic() + READY_SECONDS
        while time.monotonic() < ends:
            try:
                if self._client.get("/health").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"LitServe was not ready within {READY_SECONDS:g} s")


@contextmanager
def litserve_peer() -> Iterator[LitServePeer | None]:
    """None where it is not installed: see bench/peers.txt."""
    if not (PEERS / "litserve").exists():
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [str(PEERS.parents[1]), str(PEERS)]
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.litserve_server", str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        peer = LitServePeer(port)
        peer.wait_ready()
        yield peer
    finally:
        server.terminate()
        server.wait()
