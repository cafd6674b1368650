"""What `PullIntake` answers to a message and does with a stream, over a fake subscriber."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from google.api_core import exceptions as google

from gpu_worker.intake.delivery import FAULT_SECONDS, NEWER_SCHEMA_SECONDS
from gpu_worker.intake.pull import MAX_DEFER_SECONDS, PullIntake
from gpu_worker.lifecycle.handled import Done, Handled, Later
from shared.message import GenerationMessage
from shared.paths import GenerationPath

PATH = GenerationPath(uid="ada", generation_id="g1")
DATA = GenerationMessage(path=PATH).to_bytes()
NAME = "projects/p/subscriptions/s"
TIMEOUT_SECONDS = 10.0
DONE = Done()


class Message:
    """Records what was done with it."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.answers: list[str] = []

    def ack(self) -> None:
        self.answers.append("ack")

    def nack(self) -> None:
        self.answers.append("nack")

    def modify_ack_deadline(self, seconds: int) -> None:
        self.answers.append(f"deadline {seconds}")

    def drop(self) -> None:
        self.answers.append("drop")


class Stream(Future[Any]):
    """A `StreamingPullFuture`: `cancel` ends it without an error."""

    def __init__(self, callback: Callable[[Any], None]) -> None:
        super().__init__()
        self.callback = callback

    def cancel(self) -> bool:
        if not self.done():
            self.set_result(True)
        return True


class Subscriber:
    """Hands out streams; `opened` counts them."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.options: dict[str, Any] = {}
        self.changed = threading.Condition()

    def subscribe(self, name: str, *, callback: Callable[[Any], None], **options: Any) -> Stream:
        stream = Stream(callback)
        with self.changed:
            self.options = options
            self.streams.append(stream)
            self.changed.notify_all()
        return stream

    def wait_for_streams(self, count: int) -> Stream:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.streams) >= count, TIMEOUT_SECONDS)
            return self.streams[count - 1]


class Runner:
    """Answers with what it is given, or raises it."""

    def __init__(self, answer: Handled | BaseException = DONE) -> None:
        self.answer = answer
        self.handled: list[GenerationPath] = []

    def handle(self, path: GenerationPath) -> Handled:
        self.handled.append(path)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def intake_of(subscriber: Any, runner: Any, names: tuple[str, ...] = (NAME,)) -> PullIntake:
    return PullIntake(subscriber, names, runner, slots=2)


def answers_to(data: bytes, answer: Handled | BaseException = DONE) -> list[str]:
    """Deliver one message over a stream and return what was done with it."""
    subscriber, message = Subscriber(), Message(data)
    intake = intake_of(subscriber, Runner(answer))
    running = threading.Thread(target=intake.run)
    running.start()
    try:
        subscriber.wait_for_streams(1).callback(message)
    finally:
        intake.stop()
        running.join(TIMEOUT_SECONDS)
    assert not running.is_alive()
    return message.answers


def test_a_settled_generation_s_message_is_acknowledged() -> None:
    assert answers_to(DATA) == ["ack"]


@pytest.mark.parametrize(
    ("seconds", "deadline"),
    [(0.2, 1), (1, 1), (29.1, 30), (600, 600), (99_999, MAX_DEFER_SECONDS)],
)
def test_a_message_for_later_is_let_go_with_that_deadline(seconds: float, deadline: int) -> None:
    assert answers_to(DATA, Later(seconds=seconds)) == [f"deadline {deadline}", "drop"]


def test_a_message_for_now_is_handed_back_at_once() -> None:
    assert answers_to(DATA, Later(seconds=0)) == ["nack"]


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"schema_version": 1}', b"{" * 10_000])
def test_a_malformed_message_is_dropped_for_good(data: bytes) -> None:
    assert answers_to(data) == ["ack"]


def test_a_newer_release_s_message_is_left_to_it() -> None:
    newer = DATA.replace(b'"schema_version":1', b'"schema_version":2')
    assert answers_to(newer) == [f"deadline {NEWER_SCHEMA_SECONDS}", "drop"]


def test_a_fault_in_one_message_defers_it_and_does_not_end_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert answers_to(DATA, ZeroDivisionError()) == [f"deadline {FAULT_SECONDS}", "drop"]
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1


def test_the_streams_share_the_job_slots() -> None:
    subscriber = Subscriber()
    entered, leave = threading.Semaphore(0), threading.Event()
    most, now, lock = [0], [0], threading.Lock()

    class Slow:
        def handle(self, path: GenerationPath) -> Handled:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            entered.release()
            assert leave.wait(TIMEOUT_SECONDS)
            with lock:
                now[0] -= 1
            return Done()

    intake = intake_of(subscriber, Slow(), ("projects/p/subscriptions/a", NAME))
    running = threading.Thread(target=intake.run)
    running.start()
    subscriber.wait_for_streams(2)
    messages = [Message() for _ in range(4)]
    threads = [
        threading.Thread(target=subscriber.streams[i % 2].callback, args=(message,))
        for i, message in enumerate(messages)
    ]
    for thread in threads:
        thread.start()
    for _ in range(2):
        assert entered.acquire(timeout=TIMEOUT_SECONDS)
    leave.set()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    intake.stop()
    running.join(TIMEOUT_SECONDS)
    assert most == [2]
    assert [message.answers for message in messages] == [["ack"]] * 4


@pytest.mark.parametrize(
    "error",
    [
        google.NotFound("no such subscription"),
        google.ServiceUnavailable("away"),
        google.RetryError("an acknowledgement was not taken", cause=None),
        None,
    ],
    ids=["not found", "unavailable", "acknowledgement not taken", "ended by itself"],
)
def test_a_stream_that_ends_is_opened_again(error: Exception | None) -> None:
    subscriber = Subscriber()
    intake = intake_of(subscriber, Runner())
    running = threading.Thread(target=intake.run)
    running.start()
    first = subscriber.wait_for_streams(1)
    if error is None:
        first.set_result(True)
    else:
        first.set_exception(error)
    message = Message()
    subscriber.wait_for_streams(2).callback(message)
    intake.stop()
    running.join(TIMEOUT_SECONDS)
    assert not running.is_alive()
    assert message.answers == ["ack"]


def levels_after(errors: list[Exception], caplog: pytest.LogCaptureFixture) -> list[str]:
    """Break the stream with each of the errors in turn; what was logged of it."""
    subscriber = Subscriber()
    intake = intake_of(subscriber, Runner())
    running = threading.Thread(target=intake.run)
    running.start()
    for count, error in enumerate(errors, start=1):
        subscriber.wait_for_streams(count).set_exception(error)
    subscriber.wait_for_streams(len(errors) + 1)
    intake.stop()
    running.join(TIMEOUT_SECONDS)
    return [record.levelname for record in caplog.records if record.levelno > logging.INFO]


def test_a_subscription_that_is_not_there_is_an_error_by_name_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert levels_after([google.NotFound("no")] * 3, caplog) == ["ERROR"]
    assert f"there is no subscription {NAME}" in caplog.text


def test_a_subscription_that_goes_away_again_is_news(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, away = google.NotFound("no"), google.ServiceUnavailable("away")
    assert levels_after([missing, away, missing], caplog) == ["ERROR", "WARNING", "ERROR"]
    # Whatever lies between two breaks counts as a steady life now.
    monkeypatch.setattr("gpu_worker.intake.pull.STEADY_SECONDS", 0.0)
    caplog.clear()
    assert levels_after([missing, missing], caplog) == ["ERROR", "ERROR"]


def test_what_makes_pulling_impossible_is_raised_and_ends_the_other_streams() -> None:
    subscriber = Subscriber()
    intake = intake_of(subscriber, Runner(), (NAME, "projects/p/subscriptions/other"))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            intake.run()
        except google.PermissionDenied as error:
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    subscriber.wait_for_streams(2).set_exception(google.PermissionDenied("no"))
    running.join(TIMEOUT_SECONDS)
    assert len(raised) == 1
    assert all(stream.done() for stream in subscriber.streams)


def test_a_stopped_intake_opens_nothing() -> None:
    subscriber = Subscriber()
    intake = intake_of(subscriber, Runner())
    intake.stop()
    intake.run()
    assert subscriber.streams == []


def test_no_more_messages_are_taken_than_there_are_slots() -> None:
    subscriber = Subscriber()
    intake = intake_of(subscriber, Runner())
    running = threading.Thread(target=intake.run)
    running.start()
    subscriber.wait_for_streams(1)
    intake.stop()
    running.join(TIMEOUT_SECONDS)
    assert subscriber.options["flow_control"].max_messages == 2
    assert subscriber.options["flow_control"].max_duration_per_lease_extension == 10
    assert subscriber.options["await_callbacks_on_shutdown"] is True
