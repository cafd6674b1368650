"""A subscriber and a runner that tests steer, under a real `PullIntake`."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import grpc

from gpu_worker.intake.pull import PullIntake
from gpu_worker.intake.subscription import PULL_SECONDS
from gpu_worker.lifecycle.handled import Done, Handled
from shared.message import GenerationMessage
from shared.paths import GenerationPath

PATH = GenerationPath(uid="ada", generation_id="g1")
DATA = GenerationMessage(path=PATH).to_bytes()
NAME = "projects/p/subscriptions/s"
OTHER = "projects/p/subscriptions/other"
TIMEOUT_SECONDS = 10.0
DONE = Done()


def broken(code: grpc.StatusCode) -> Exception:
    """What a call ends with."""
    error: Exception = grpc.RpcError()
    vars(error).update(code=lambda: code, details=lambda: "of a test", trailing_metadata=lambda: ())
    return error


class Asked:
    """A pull that waits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def answer(self, *messages: tuple[str, bytes]) -> None:
        self._answers.put(
            SimpleNamespace(
                received_messages=[
                    SimpleNamespace(ack_id=ack_id, message=SimpleNamespace(data=data))
                    for ack_id, data in messages
                ]
            )
        )

    def fail(self, code: grpc.StatusCode) -> None:
        self._answers.put(broken(code))

    def cancel(self) -> None:
        self._answers.put(grpc.FutureCancelledError())

    def result(self, timeout: float) -> Any:
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise grpc.FutureTimeoutError from None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Subscriber:
    """Takes pulls, and records what is said of messages."""

    def __init__(self) -> None:
        self.transport = SimpleNamespace(pull=SimpleNamespace(future=self._ask))
        self.asked: list[Asked] = []
        self.answers: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        #: An acknowledgement is answered when this is set.
        self.acknowledging = threading.Event()
        self.acknowledging.set()
        self.changed = threading.Condition()

    def _ask(self, request: Any, *, timeout: float, metadata: Any) -> Asked:
        assert (request.max_messages, timeout) == (1, PULL_SECONDS)
        name = quote(request.subscription, safe="/")
        assert metadata == (("x-goog-request-params", f"subscription={name}"),)
        asked = Asked(request.subscription)
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        return asked

    def acknowledge(self, *, request: dict[str, Any], timeout: float) -> None:
        self._say(request, "ack")
        assert self.acknowledging.wait(TIMEOUT_SECONDS)

    def modify_ack_deadline(self, *, request: dict[str, Any], timeout: float, **_: Any) -> None:
        self._say(request, f"deadline {request['ack_deadline_seconds']}")

    def _say(self, request: dict[str, Any], what: str) -> None:
        with self.changed:
            self.answers += [(ack_id, what) for ack_id in request["ack_ids"]]
            self.changed.notify_all()
        if self.fault is not None:
            raise self.fault

    def wait_for_pulls(self, count: int) -> Asked:
        """The one of that number, from 1, once it is asked."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= count, TIMEOUT_SECONDS)
            return self.asked[count - 1]

    def wait_for(self, *answer: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: answer in self.answers, TIMEOUT_SECONDS)

    def wait_for_answers(self, count: int) -> list[tuple[str, str]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.answers) >= count, TIMEOUT_SECONDS)
            return list(self.answers)


class Runner:
    """Answers with what it is given, or raises it."""

    def __init__(self, answer: Handled | BaseException = DONE) -> None:
        self.answer = answer

    def handle(self, path: GenerationPath) -> Handled:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Held:
    """Holds each job until `leave`; tells how many were inside at once."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Semaphore(0), threading.Event()

    def handle(self, path: GenerationPath) -> Handled:
        self.entered.release()
        assert self.leave.wait(TIMEOUT_SECONDS)
        return Done()

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.entered.acquire(timeout=TIMEOUT_SECONDS)


class Scripted:
    """An outlook."""

    def __init__(self, wanted_in: float | None = 0.0) -> None:
        self.now: float | None = wanted_in
        self.stored = 0
        self.ready = True

    def storing(self) -> int:
        return self.stored

    def wanted_in(self) -> float | None:
        return self.now


@contextmanager
def running(
    subscriber: Any, runner: Any, names: tuple[str, ...] = (NAME,), **options: Any
) -> Iterator[PullIntake]:
    intake = PullIntake(subscriber, names, runner, **{"slots": 2, **options})
    thread = threading.Thread(target=intake.run)
    thread.start()
    try:
        yield intake
    finally:
        intake.stop()
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive()


def answers_to(data: bytes, answer: Handled | BaseException = DONE) -> list[str]:
    """Deliver one message and return what was said of it."""
    subscriber = Subscriber()
    with running(subscriber, Runner(answer)):
        subscriber.wait_for_pulls(1).answer(("a", data))
        subscriber.wait_for_pulls(2)
    return [what for _, what in subscriber.answers]
