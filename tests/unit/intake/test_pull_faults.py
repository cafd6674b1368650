"""What `PullIntake` does about pulls that fail, that stop, and that bring something too late."""

import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.api_core import exceptions as google

from gpu_worker.intake import pull, subscription
from gpu_worker.intake.pull import PullIntake
from tests.unit.intake import pulling
from tests.unit.intake.pulling import (
    DATA,
    NAME,
    OTHER,
    TIMEOUT_SECONDS,
    Held,
    Runner,
    Subscriber,
    running,
)


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
    monkeypatch.setattr(pulling, "PULL_SECONDS", 0.0)
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
