"""A TCP proxy that misbehaves on request: between a worker and the services that it writes to.

It forwards bytes and knows no protocol. A fault is set for all connections at once, for as long as
the `with` block lasts; afterwards connections that lost bytes are reset, as a broken network does.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any, Self

#: Each way, while replies are late.
DELAY_SECONDS = 0.5
#: Bytes at a time, and the pause between, while they trickle.
TRICKLE_BYTES = 64
TRICKLE_SECONDS = 0.02
CHUNK_BYTES = 65_536
STOP_SECONDS = 10.0
#: RST in place of FIN when the socket is closed.
RESET = struct.pack("ii", 1, 0)


class Fault(StrEnum):
    #: Bytes take DELAY_SECONDS longer, each way.
    DELAY = "delay"
    #: Every connection is reset, and so is every new one.
    RESET = "reset"
    #: TRICKLE_BYTES at a time.
    TRICKLE = "trickle"
    #: Requests arrive, replies do not: a write happens, and nobody hears of it.
    SWALLOW_REPLIES = "swallowed replies"
    #: Requests wait in the proxy until the fault is over, and arrive then.
    HOLD_REQUESTS = "held requests"


class Proxy:
    """A context manager: listens on a port of its own, in a thread of its own."""

    def __init__(self, target: str) -> None:
        """`target` is host:port."""
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._fault: Fault | None = None
        self._healed = asyncio.Event()
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_SECONDS)
        self._loop.close()

    @contextmanager
    def faulty(self, fault: Fault) -> Iterator[None]:
        """While inside, connections misbehave."""
        self._call(self._set(fault))
        try:
            yield
        finally:
            self._call(self._set(None))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(STOP_SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._healed.set()
        for link in list(self._links):
            link.reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _set(self, fault: Fault | None) -> None:
        self._fault = fault
        if fault is None:
            self._healed.set()
        else:
            self._healed = asyncio.Event()
        for link in list(self._links):
            if fault is Fault.RESET or link.lost_bytes:
                link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = reader, writer
        if self._fault is Fault.RESET:
            _reset(writer)
            return
        try:
            server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        link = _Link(client[1], server[1])
        self._links.add(link)
        try:
            await asyncio.gather(
                self._forward(client[0], server[1], link, replies=False),
                self._forward(server[0], client[1], link, replies=True),
            )
        finally:
            self._links.discard(link)

    async def _forward(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        link: "_Link",
        *,
        replies: bool,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if self._fault is Fault.SWALLOW_REPLIES and replies:
                    link.lost_bytes = True
                if link.lost_bytes and replies:
                    continue
                await self._misbehave(data, sink, replies=replies)
                await sink.drain()
        link.close()

    async def _misbehave(self, data: bytes, sink: asyncio.StreamWriter, *, replies: bool) -> None:
        if self._fault is Fault.HOLD_REQUESTS and not replies:
            await self._healed.wait()
        if self._fault is Fault.DELAY:
            await asyncio.sleep(DELAY_SECONDS)
        while self._fault is Fault.TRICKLE and data:
            sink.write(data[:TRICKLE_BYTES])
            data = data[TRICKLE_BYTES:]
            await sink.drain()
            await asyncio.sleep(TRICKLE_SECONDS)
        sink.write(data)


class _Link:
    """Both sides of one connection."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers
        #: A reply was swallowed, so what would follow makes no sense any more.
        self.lost_bytes = False

    def reset(self) -> None:
        for writer in self._writers:
            _reset(writer)

    def close(self) -> None:
        for writer in self._writers:
            with suppress(OSError):
                writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
