"""A stream that goes silent between a worker and the Pub/Sub emulator."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from gpu_worker.adapters.pubsub import subscriber_client
from tests.emulator.lanes import TIMEOUT_SECONDS, Lane, Runner, Running
from tools.stack import Stack


class SilentFront:
    """Hands every call on to the emulator, except that its first StreamingPull says nothing.

    A generic handler: grpc asks for no more than `service`.
    """

    def __init__(self, emulator: str) -> None:
        self.streams = 0
        self._behind = grpc.insecure_channel(emulator)
        self._threads = ThreadPoolExecutor(16)
        self._server = grpc.server(self._threads)
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, call: Any) -> Any:
        if call.method.endswith("/StreamingPull"):
            self.streams += 1
            stream = self._behind.stream_stream(call.method)
            return grpc.stream_stream_rpc_method_handler(
                self._swallow if self.streams == 1 else lambda requests, _: stream(requests)
            )
        unary = self._behind.unary_unary(call.method)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: unary(request, timeout=TIMEOUT_SECONDS)
        )

    def close(self) -> None:
        self._server.stop(grace=None).wait(TIMEOUT_SECONDS)
        self._behind.close()
        self._threads.shutdown()

    @staticmethod
    def _swallow(requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for _ in requests:
            pass
        yield from ()


@pytest.fixture
def front(stack: Stack) -> Iterator[SilentFront]:
    front = SilentFront(stack.pubsub)
    yield front
    front.close()


@pytest.mark.stack
def test_a_stream_that_stalls_silently_is_replaced_and_nothing_is_lost_or_done_twice(
    lane: Lane, front: SilentFront
) -> None:
    lane.subscribe()
    runner = Runner()
    names = [f"job-{number}" for number in range(4)]
    with subscriber_client(front.address) as behind_front:
        stalling = Lane(lane.publisher, behind_front, lane.topic, lane.subscription)
        with Running(stalling, runner, tick_seconds=0.1, quiet_seconds=0.5, confirm_seconds=0.2):
            for name in names:
                lane.publish(name)
            for name in names:
                runner.wait_for(name)
    assert front.streams == 2
    assert sorted(name for name, _ in runner.deliveries) == names
