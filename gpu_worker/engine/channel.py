"""One end of the socket between supervisor and engine: whole messages, and frames after them.

One thread reads; any thread may write, a message and its frames at a time. A closed or killed other
end shows as `ChannelClosed`, at once.
"""

import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from gpu_worker.engine.protocol import Message

Received = TypeVar("Received", bound=Message)


class ChannelClosed(Exception):
    """The other end is gone."""


class Channel(Generic[Received]):
    """`incoming` says what the other end may send; anything else raises pydantic's error."""

    def __init__(self, descriptor: int, incoming: TypeAdapter[Received]) -> None:
        self._connection: Connection[bytes, bytes] = Connection(descriptor)
        self._incoming = incoming
        self._writing = threading.Lock()

    def send(self, message: Message, frames: Sequence[NDArray[np.uint8]] = ()) -> None:
        """Raises `ChannelClosed`. Blocks while the other end does not read."""
        head = message.model_copy(update={"frames": len(frames)}).model_dump_json().encode()
        with self._writing:
            try:
                self._connection.send_bytes(head)
                for frame in frames:
                    self._connection.send_bytes(np.ascontiguousarray(frame).data.cast("B"))
            except OSError as error:
                raise ChannelClosed from error

    def receive(self) -> tuple[Received, list[bytes]]:
        """Block until the next message is whole. Raises `ChannelClosed`."""
        try:
            message = self._incoming.validate_json(self._connection.recv_bytes())
            return message, [self._connection.recv_bytes() for _ in range(message.frames)]
        except (EOFError, OSError) as error:
            raise ChannelClosed from error

    def close(self) -> None:
        """Only once nobody reads any more; who writes gets `ChannelClosed`."""
        with self._writing:  # else a writer could meet the number of a descriptor opened since
            self._connection.close()
