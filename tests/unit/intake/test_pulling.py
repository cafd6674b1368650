"""What `PullIntake` answers to a message and does about a failed pull, over a fake subscriber."""

import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.api_core import exceptions as google

from gpu_worker.intake import pull, subscription
from gpu_worker.intake.delivery import FAULT_SECONDS, NEWER_SCHEMA_SECONDS
from gpu_worker.intake.pull import PullIntake
from gpu_worker.intake.room import STORING
from gpu_worker.intake.subscription import LEASED_SECONDS, MAX_DEFER_SECONDS, PULL_SECONDS
from gpu_worker.lifecycle.handled import Done, Handled, Later
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


def test_a_settled_generation_s_message_is_acknowledged() -> None:
    assert answers_to(DATA) == ["ack"]


@pytest.mark.parametrize(
    ("seconds", "deadline"),
    [(0, 0), (0.2, 1), (1, 1), (1.9, 1), (29.1, 29), (600, 600), (99_999, MAX_DEFER_SECONDS)],
)
def test_a_message_for_later_is_let_go_with_that_deadline(seconds: float, deadline: int) -> None:
    assert answers_to(DATA, Later(seconds=seconds)) == [f"deadline {deadline}"]


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"schema_version": 1}', b"{" * 10_000])
def test_a_malformed_message_is_dropped_for_good(data: bytes) -> None:
    assert answers_to(data) == ["ack"]


def test_a_newer_release_s_message_is_left_to_it() -> None:
    newer = DATA.replace(b'"schema_version":1', b'"schema_version":2')
    assert answers_to(newer) == [f"deadline {NEWER_SCHEMA_SECONDS}"]


def test_a_fault_in_one_message_defers_it_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert answers_to(DATA, ZeroDivisionError()) == [f"deadline {FAULT_SECONDS}"]
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1


@pytest.mark.parametrize(
    "fault",
    [google.ServiceUnavailable("away"), google.RetryError("not taken", cause=None)],
    ids=["unavailable", "given up"],
)
def test_what_pubsub_does_not_take_is_left_to_its_lease(fault: Exception) -> None:
    subscriber = Subscriber()
    subscriber.fault = fault
    with running(subscriber, Runner()):
        for number in (1, 2):
            subscriber.wait_for_pulls(number).answer((str(number), DATA))
            subscriber.wait_for_answers(number)
    assert subscriber.answers == [("1", "ack"), ("2", "ack")]


def test_no_more_is_asked_for_than_there_are_slots() -> None:
    subscriber, runner = Subscriber(), Held()
    with running(subscriber, runner, slots=2):
        for number in (1, 2):
            subscriber.wait_for_pulls(number).answer((str(number), DATA))
        runner.wait_for(2)
        runner.leave.set()
        subscriber.wait_for_answers(2)
        # Asked only after that: nobody could have been handed a third.
        subscriber.wait_for_pulls(3)
        assert len(subscriber.asked) == 3


def test_while_the_end_is_far_no_second_message_is_asked_for() -> None:
    subscriber, runner, outlook = Subscriber(), Held(), Scripted(wanted_in=1000.0)
    with running(subscriber, runner, outlook=outlook) as intake:
        subscriber.wait_for_pulls(1).answer(("1", DATA))
        runner.wait_for(1)
        intake.look()
        assert len(subscriber.asked) == 1
        outlook.now = 0.0
        intake.look()
        subscriber.wait_for_pulls(2).answer(("2", DATA))
        runner.wait_for(1)
        runner.leave.set()


def test_a_job_that_is_being_stored_takes_no_slot_but_only_so_many_may() -> None:
    subscriber, runner, outlook = Subscriber(), Held(), Scripted()
    with running(subscriber, runner, slots=1, outlook=outlook) as intake:
        for number in range(1, STORING + 2):
            subscriber.wait_for_pulls(number).answer((str(number), DATA))
            runner.wait_for(1)
            outlook.stored += 1
            intake.look()
        # One more is stored than may be: it holds the slot.
        assert len(subscriber.asked) == STORING + 1
        runner.leave.set()


def test_two_subscriptions_answers_that_come_together_are_both_kept() -> None:
    """Else the one would have to wait for ever while the other has messages."""
    subscriber, runner, outlook = Subscriber(), Held(), Scripted(wanted_in=0.0)
    with running(subscriber, runner, (NAME, OTHER), slots=1, outlook=outlook):
        subscriber.wait_for_pulls(2)
        for asked in subscriber.asked[:2]:
            asked.answer((asked.name, DATA))
        runner.wait_for(2)
        runner.leave.set()
        assert sorted(subscriber.wait_for_answers(2)) == [(OTHER, "ack"), (NAME, "ack")]


def test_what_a_pull_brings_after_the_other_subscription_s_job_began_goes_back_at_once() -> None:
    subscriber, runner, outlook = Subscriber(), Held(), Scripted(wanted_in=1000.0)
    with running(subscriber, runner, (NAME, OTHER), outlook=outlook):
        subscriber.wait_for_pulls(2)
        first, second = subscriber.asked[:2]
        first.answer(("film", DATA))
        runner.wait_for(1)
        second.answer(("picture", DATA))
        assert subscriber.wait_for_answers(1) == [("picture", "deadline 0")]
        assert len(subscriber.asked) == 2
        runner.leave.set()


def test_what_is_in_hand_is_leased_on_until_it_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "EXTEND_SECONDS", 0.01)
    subscriber, runner = Subscriber(), Held()
    with running(subscriber, runner):
        subscriber.wait_for_pulls(1).answer(("a", DATA))
        runner.wait_for(1)
        extended = subscriber.wait_for_answers(3)
        assert extended == [("a", f"deadline {LEASED_SECONDS}")] * len(extended)
        runner.leave.set()
    before = len(subscriber.answers)
    assert subscriber.answers[-1] == ("a", "ack")
    assert len(subscriber.answers) == before


def test_an_answer_that_does_not_come_keeps_nobody_else_s_lease_from_being_extended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pull, "EXTEND_SECONDS", 0.01)
    subscriber, runner = Subscriber(), Held()
    subscriber.acknowledging.clear()
    with running(subscriber, runner, slots=2):
        subscriber.wait_for_pulls(1).answer(("malformed", b""))
        subscriber.wait_for_pulls(2).answer(("held", DATA))
        runner.wait_for(1)
        subscriber.wait_for("malformed", "ack")
        before = len(subscriber.answers)
        extended = subscriber.wait_for_answers(before + 3)[before:]
        assert set(extended) == {("held", f"deadline {LEASED_SECONDS}")}
        subscriber.acknowledging.set()
        runner.leave.set()


def test_a_fault_of_ours_in_extending_leases_is_not_the_last_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "EXTEND_SECONDS", 0.01)
    subscriber, runner = Subscriber(), Held()
    subscriber.fault = ZeroDivisionError()
    with running(subscriber, runner):
        subscriber.wait_for_pulls(1).answer(("a", DATA))
        runner.wait_for(1)
        subscriber.wait_for_answers(3)
        subscriber.fault = None
        runner.leave.set()
        subscriber.wait_for("a", "ack")
    assert "could not extend leases" in caplog.messages


def test_nothing_is_asked_for_while_the_engine_has_no_model() -> None:
    subscriber, runner, outlook = Subscriber(), Held(), Scripted()
    outlook.ready = False
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    with running(subscriber, runner, outlook=outlook, on_tick=heard.put) as intake:
        for _ in range(2):  # it has looked whether there is room
            assert heard.get(timeout=TIMEOUT_SECONDS) == NAME
        assert subscriber.asked == []
        outlook.ready = True
        intake.look()
        subscriber.wait_for_pulls(1).answer(("a", DATA))
        runner.wait_for(1)
        runner.leave.set()


def test_what_comes_when_the_engine_has_just_lost_its_model_goes_back_at_once() -> None:
    subscriber, outlook = Subscriber(), Scripted()
    with running(subscriber, Runner(), outlook=outlook):
        asked = subscriber.wait_for_pulls(1)
        outlook.ready = False
        asked.answer(("a", DATA))
        assert subscriber.wait_for_answers(1) == [("a", "deadline 0")]


def test_a_subscription_s_name_with_signs_in_it_is_put_into_the_header_as_it_must_be() -> None:
    subscriber = Subscriber()
    with running(subscriber, Runner(), (f"{NAME}+of%2",)):
        subscriber.wait_for_pulls(1)


def test_a_pull_that_brings_nothing_is_asked_anew() -> None:
    subscriber = Subscriber()
    with running(subscriber, Runner()):
        subscriber.wait_for_pulls(1).answer()
        subscriber.wait_for_pulls(2).answer(("a", DATA))
        assert subscriber.wait_for_answers(1) == [("a", "ack")]


def test_a_pull_that_waited_out_its_time_is_no_fault(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PULL_SECONDS", 0.0)
    monkeypatch.setitem(globals(), "PULL_SECONDS", 0.0)
    subscriber = Subscriber()
    with running(subscriber, Runner()):
        subscriber.wait_for_pulls(1).fail(grpc.StatusCode.DEADLINE_EXCEEDED)
        subscriber.wait_for_pulls(2)
    assert [it for it in caplog.records if it.levelno > logging.INFO] == []


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ],
)
def test_a_pull_that_fails_is_asked_again(code: grpc.StatusCode) -> None:
    subscriber = Subscriber()
    with running(subscriber, Runner()):
        subscriber.wait_for_pulls(1).fail(code)
        subscriber.wait_for_pulls(2).answer(("a", DATA))
        assert subscriber.wait_for_answers(1) == [("a", "ack")]


def levels_after(codes: list[grpc.StatusCode], caplog: pytest.LogCaptureFixture) -> list[str]:
    """Fail with each of the codes in turn; what was logged of it."""
    subscriber = Subscriber()
    with running(subscriber, Runner()):
        for count, code in enumerate(codes, start=1):
            subscriber.wait_for_pulls(count).fail(code)
        subscriber.wait_for_pulls(len(codes) + 1)
    return [record.levelname for record in caplog.records if record.levelno > logging.INFO]


MISSING, AWAY = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE


def test_a_subscription_that_is_not_there_is_an_error_by_name_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert levels_after([MISSING] * 3, caplog) == ["ERROR"]
    assert f"there is no subscription {NAME}" in caplog.text


def test_a_subscription_that_goes_away_again_is_news(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels_after([MISSING, AWAY, MISSING], caplog) == ["ERROR", "WARNING", "ERROR"]
    # Whatever lies between two failures counts as a steady life now.
    monkeypatch.setattr(pull, "STEADY_SECONDS", 0.0)
    caplog.clear()
    assert levels_after([MISSING, MISSING], caplog) == ["ERROR", "ERROR"]


def test_what_makes_pulling_impossible_is_raised_and_ends_the_other_pulls() -> None:
    subscriber: Any = Subscriber()
    intake = PullIntake(subscriber, (NAME, OTHER), Runner(), slots=2)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            intake.run()
        except google.PermissionDenied as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    subscriber.wait_for_pulls(2).fail(grpc.StatusCode.PERMISSION_DENIED)
    thread.join(TIMEOUT_SECONDS)
    assert not thread.is_alive()
    assert len(raised) == 1


def test_what_is_in_hand_is_finished_and_looked_after_when_nothing_can_be_pulled_any_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "EXTEND_SECONDS", 0.01)
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    subscriber: Any = Subscriber()
    film = Held()
    intake = PullIntake(subscriber, (NAME, OTHER), film, slots=2, on_tick=heard.put)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(intake.run)
        try:
            asked = {it.name: it for it in (subscriber.wait_for_pulls(n) for n in (1, 2))}
            asked[NAME].answer(("film", DATA))
            film.wait_for(1)
            asked[OTHER].fail(grpc.StatusCode.PERMISSION_DENIED)
            # Though nobody asks for messages any more: this worker is not stuck.
            for part in (OTHER, NAME, f"{OTHER}, leases", f"{NAME}, leases"):
                for _ in range(3):
                    while heard.get(timeout=TIMEOUT_SECONDS) != part:
                        pass
            assert not running.done()
        finally:
            film.leave.set()
        with pytest.raises(google.PermissionDenied):
            running.result(TIMEOUT_SECONDS)
    assert ("film", "ack") in subscriber.answers
    (said,) = [it.getMessage() for it in caplog.records if it.levelno == logging.CRITICAL]
    assert said.startswith("nothing can be pulled")


def test_a_stopped_intake_asks_for_nothing() -> None:
    subscriber: Any = Subscriber()
    intake = PullIntake(subscriber, (NAME,), Runner(), slots=2)
    intake.stop()
    intake.run()
    assert subscriber.asked == []


def test_each_subscription_is_heard_of_while_it_waits() -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    subscriber = Subscriber()
    with running(subscriber, Runner(), (NAME, OTHER), on_tick=heard.put):
        subscriber.wait_for_pulls(2)
        assert {heard.get(timeout=TIMEOUT_SECONDS) for _ in range(4)} == {NAME, OTHER}


def test_a_message_that_comes_when_the_worker_has_to_go_is_handed_back() -> None:
    subscriber = Subscriber()

    with running(subscriber, Runner()):
        asked = subscriber.wait_for_pulls(1)
        # It was on its way when it was called off.
        vars(asked)["cancel"] = lambda: asked.answer(("late", DATA))
    assert subscriber.answers == [("late", "deadline 0")]
