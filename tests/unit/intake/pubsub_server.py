"""A Pub/Sub of ours, for the real client: one message that is delivered on every stream."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.pubsub_v1 import types

from shared.message import GenerationMessage
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS

DATA = GenerationMessage(path=PATH).to_bytes()
NAME = "projects/p/subscriptions/s"


def waiting_message(data: bytes = DATA) -> types.ReceivedMessage:
    message = types.PubsubMessage(data=data, message_id="1")
    return types.ReceivedMessage(ack_id="a", message=message)


class PubSubServer:
    """A generic handler: grpc asks for no more than `service`. What it does is overridden."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(16)
        self._server = grpc.server(self._threads)
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def delivers(self) -> bool:
        """Whether a stream that begins now brings the message."""
        return True

    def answer(self, method: str, seconds_left: float) -> bytes:
        """To a single call: `Pull`, `Acknowledge`, `ModifyAckDeadline`. `seconds_left`: until the
        client gives it up."""
        return b""

    def service(self, call: Any) -> Any:
        if call.method.endswith("/StreamingPull"):
            return grpc.stream_stream_rpc_method_handler(
                self._stream, response_serializer=types.StreamingPullResponse.serialize
            )
        method = call.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(
            lambda _, context: self.answer(method, context.time_remaining())
        )

    def close(self) -> None:
        self._server.stop(grace=None).wait(TIMEOUT_SECONDS)
        self._threads.shutdown()

    def _stream(self, _requests: Any, context: Any) -> Iterator[Any]:
        gone = threading.Event()
        context.add_callback(gone.set)
        if self.delivers():
            yield types.StreamingPullResponse(received_messages=[waiting_message()])
        gone.wait(TIMEOUT_SECONDS)
