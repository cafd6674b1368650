"""The push intake: `PushService` behind an HTTP server that runs from the process's first moment.

So probes are answered while the model is loaded; messages are refused until then. It stops by
refusing new ones, waiting for the jobs in hand, which the runner's drain ends, and sending their
answers.
"""

import socket
import threading
from collections.abc import Callable
from typing import Self

from gpu_worker.intake.http_server import BoundedProtocol, HttpServer
from gpu_worker.intake.push_service import PushService


class PushIntake:
    """An `Intake`, and a context manager: the server runs inside."""

    def __init__(
        self,
        service: PushService,
        listener: socket.socket,
        *,
        on_tick: Callable[[], None],
        protocol: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        """`on_tick` is called again and again while the server moves."""
        self._service = service
        self._stopping = False
        self._over = threading.Event()
        self._server = HttpServer(
            service.app, listener, on_tick=on_tick, on_end=self._over.set, protocol=protocol
        )

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def run(self) -> None:
        """Block until `stop`, and until the jobs in hand are settled and answered.

        Raises `RuntimeError` if the server ends by itself, when the jobs in hand are settled.
        """
        self._over.wait()
        self._service.finish()
        self._server.close()
        if not self._stopping:
            raise RuntimeError("the HTTP server ended by itself")

    def stop(self) -> None:
        """Take no more. Drain the runner next, or `run` waits for the jobs to finish."""
        self._stopping = True
        self._service.drain()
        self._over.set()
