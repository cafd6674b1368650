"""An ASGI application served over HTTP/1.1 by uvicorn on a thread of its own, within bounds.

uvicorn waits for a request's head as long as it may take, and for any number of connections. Here
a connection has HEAD_SECONDS to say what it wants, IDLE_SECONDS between two requests, and is
closed unheard when MAX_CONNECTIONS are open. The head itself is bounded by MAX_HEAD_BYTES; what a
body may take is the application's. Nothing of a request is logged.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self, cast

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the first moment of a connection, and from the first byte after an answer.
HEAD_SECONDS = 10.0
#: Whoever sends requests one after the other keeps its connection for so long between them.
IDLE_SECONDS = 60
#: A platform's front end needs one a slot and some for its probes.
MAX_CONNECTIONS = 128
#: Google's tokens take 1.2 KB, and are refused from 8 KB on.
MAX_HEAD_BYTES = 16_384
#: Waiting in the kernel, not heard yet.
BACKLOG = 64
#: For answers that are being sent when it closes.
CLOSE_SECONDS = 1
#: How often the loop says that it moves.
TICK_SECONDS = 1.0
#: For the thread to end; its own waits are shorter.
JOIN_SECONDS = 2.0


def listen(port: int) -> socket.socket:
    """On every interface: requests come from outside the container. 0 takes a free port.

    Connections wait there until the server runs. Raises `OSError` when the port is taken.
    """
    return socket.create_server(("", port), backlog=BACKLOG)


class BoundedProtocol(H11Protocol):
    """One connection."""

    head_seconds = HEAD_SECONDS
    max_connections = MAX_CONNECTIONS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._head_timer: asyncio.TimerHandle | None = None
        if len(self.connections) > self.max_connections:
            self.transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._waits_for_head:
            self._head_is_there()
        elif self._head_timer is None:
            self._await_head()

    @property
    def _waits_for_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._too_slow)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        self.transport.abort()


class HttpServer:
    """A context manager. `on_end` is called when it ends, wanted or not."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        on_tick: Callable[[], None],
        on_end: Callable[[], None],
        protocol: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        self._listener = listener
        self._on_tick = on_tick
        self._on_end = on_end
        self._server = Server(
            Config(
                app,
                loop="asyncio",
                http=protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                # Our log is set up already. Of strangers' malformed requests it shall not tell,
                # nor of anything that a request holds.
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=CLOSE_SECONDS,
                workers=1,
            )
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Send the answers that are due and take no more; returns within JOIN_SECONDS."""
        self._server.should_exit = True
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._on_end()

    async def _serve(self) -> None:
        ticking = asyncio.create_task(self._tick())
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    async def _tick(self) -> None:
        while True:
            self._on_tick()
            await asyncio.sleep(TICK_SECONDS)
