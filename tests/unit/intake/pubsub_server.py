"""A Pub/Sub of ours, for the real client: one message, delivered once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.pubsub_v1 import types

from shared.message import GenerationMessage
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS

DATA = GenerationMessage(path=PATH).to_bytes()
NAME = "projects/p/subscriptions/s"


class PubSubServer:
    """A generic handler: grpc asks for no more than `service`. What it does is overridden."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(16)
        self._server = grpc.server(self._threads)
        self._server.add_generic_rpc_handlers((self,))
        self._delivered = threading.Lock()
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def answer(self, method: str) -> bytes:
        """To a call about a message: `Acknowledge`, `ModifyAckDeadline`."""
        return b""

    def service(self, call: Any) -> Any:
        method = call.method.rpartition("/")[2]
        if method == "Pull":
            return grpc.unary_unary_rpc_method_handler(
                self._pull, response_serializer=types.PullResponse.serialize
            )
        return grpc.unary_unary_rpc_method_handler(lambda *_: self.answer(method))

    def close(self) -> None:
        self._server.stop(grace=None).wait(TIMEOUT_SECONDS)
        self._threads.shutdown()

    def has_one(self) -> bool:
        """Whether a pull that comes now gets the message, if nobody had it."""
        return True

    def _pull(self, _request: bytes, context: Any) -> types.PullResponse:
        if self.has_one() and self._delivered.acquire(blocking=False):
            message = types.PubsubMessage(data=DATA, message_id="1")
            received = types.ReceivedMessage(ack_id="a", message=message)
            return types.PullResponse(received_messages=[received])
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait(TIMEOUT_SECONDS)
        return types.PullResponse()
