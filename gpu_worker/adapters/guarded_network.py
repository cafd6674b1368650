"""A network in which a host's name leads to public addresses only, within one deadline for all.

Names are resolved and judged here, where connections are opened: the address that was checked is
the one that is dialled, so a name that answers differently the second time gains nothing. TLS and
the Host header keep the name. The deadline holds whatever a host does, down to a byte at a time.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

from gpu_worker.ports import Resolver
from gpu_worker.public_addresses import is_public

#: Between two looks at whether the job should stop.
LOOK_SECONDS = 0.5
#: To resolve a name, and to open a connection and agree on a key; the deadline may be nearer.
CONNECT_SECONDS = 5.0
#: None at all would mean "at once" to a socket, which is another kind of waiting.
SHORTEST_SECONDS = 0.001
#: Of a host that has many, none of which answers.
MAX_ADDRESSES = 4


class NotPublic(Exception):
    """Some address of a host is not of the public internet."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Overdue(Exception):
    """The deadline has passed."""


class Limit:
    """How long all of one fetch may still take, and whether it should."""

    def __init__(self, seconds: float, check: Callable[[], None]) -> None:
        """`check` raises when the fetch should end."""
        self._end = time.monotonic() + seconds
        self._check = check

    def left(self, most: float) -> float:
        """Seconds to wait for the next thing, at most `most`. Raises as `look`."""
        self.look()
        return min(max(self._end - time.monotonic(), SHORTEST_SECONDS), most)

    def look(self) -> None:
        """Raises `Overdue`, or what the check raises."""
        self._check()
        if time.monotonic() >= self._end:
            raise Overdue


class GuardedNetwork(httpcore2.NetworkBackend):
    """For one fetch. Opens TCP connections to names, and to nothing else."""

    def __init__(
        self, resolver: Resolver, limit: Limit, dialler: httpcore2.NetworkBackend | None = None
    ) -> None:
        """`dialler` opens a connection to an address that was checked."""
        self._resolver = resolver
        self._limit = limit
        self._dialler = dialler or httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours is for the whole fetch
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Raises `Unresolved`, `NotPublic`, `Overdue` and httpcore2's own."""
        addresses = self._resolver.resolve(host, timeout_seconds=self._limit.left(CONNECT_SECONDS))
        # One that is not public condemns all: no honest host mixes them.
        if not all(map(is_public, addresses)):
            raise NotPublic(host)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                stream = self._dialler.connect_tcp(
                    address,
                    port,
                    timeout=self._limit.left(CONNECT_SECONDS),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return GuardedStream(stream, self._limit)
        raise failure


class GuardedStream(httpcore2.NetworkStream):
    """A connection on which no wait outlasts the limit."""

    def __init__(self, stream: httpcore2.NetworkStream, limit: Limit) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        while True:
            try:
                return self._stream.read(max_bytes, timeout=self._limit.left(LOOK_SECONDS))
            except httpcore2.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, timeout=self._limit.left(CONNECT_SECONDS))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(
            ssl_context, server_hostname, timeout=self._limit.left(CONNECT_SECONDS)
        )
        return GuardedStream(stream, self._limit)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
