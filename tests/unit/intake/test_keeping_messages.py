"""Messages in hand are leased on until they are settled, whatever else happens."""

import queue

import pytest

from gpu_worker.intake import pull
from gpu_worker.intake.subscription import LEASED_SECONDS
from tests.unit.intake.pulling import (
    DATA,
    NAME,
    TIMEOUT_SECONDS,
    Held,
    Runner,
    Scripted,
    Subscriber,
    running,
)


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
