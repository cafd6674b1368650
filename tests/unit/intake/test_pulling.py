"""What `PullIntake` answers to a message, and how many it asks for, over a fake subscriber."""

import logging

import pytest
from google.api_core import exceptions as google

from gpu_worker.intake.delivery import FAULT_SECONDS, NEWER_SCHEMA_SECONDS
from gpu_worker.intake.room import STORING
from gpu_worker.intake.subscription import MAX_DEFER_SECONDS
from gpu_worker.lifecycle.handled import Later
from tests.unit.intake.pulling import (
    DATA,
    NAME,
    OTHER,
    Held,
    Runner,
    Scripted,
    Subscriber,
    answers_to,
    running,
)


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
