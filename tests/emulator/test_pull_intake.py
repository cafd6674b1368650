"""`PullIntake` on the real client and the Pub/Sub emulator: what the fake only assumes."""

import threading
from collections import deque

import pytest

from gpu_worker.lifecycle.handled import Later
from shared.message import GenerationMessage
from tests.emulator.lanes import TIMEOUT_SECONDS, Lane, Runner, Running


@pytest.mark.stack
def test_a_deferred_message_comes_again_after_its_time_and_leaves_its_slot_meanwhile(
    lane: Lane,
) -> None:
    lane.subscribe()
    runner = Runner(answers={"later": deque([Later(seconds=3)])})
    # One slot: were it not freed, nothing else could come until the deferred one is back.
    with Running(lane, runner, slots=1):
        lane.publish("later")
        runner.wait_for("later")
        for number in range(3):
            lane.publish(f"other-{number}")
            runner.wait_for(f"other-{number}")
        runner.wait_for("later", 2)
    first, second = runner.times("later")
    assert 2.5 <= second - first <= 6
    assert max(runner.times(f"other-{number}")[0] for number in range(3)) < second


@pytest.mark.stack
def test_a_subscription_that_is_made_after_the_worker_began_is_found(lane: Lane) -> None:
    runner = Runner()
    with Running(lane, runner):
        lane.subscribe()
        lane.publish("early")
        runner.wait_for("early")


@pytest.mark.stack
def test_a_job_given_back_during_a_stop_is_there_for_the_next_worker_at_once(lane: Lane) -> None:
    lane.subscribe()
    entered, leave = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        entered.set()
        assert leave.wait(TIMEOUT_SECONDS)

    runner = Runner(answers={"job": deque([Later(seconds=0)])}, hook=hold)
    with Running(lane, runner) as running:
        lane.publish("job")
        assert entered.wait(TIMEOUT_SECONDS)
        running.intake.stop()
        leave.set()
    # Handed back, not left to lapse: it was leased for 10 s.
    answer = lane.subscriber.pull(subscription=lane.subscription, max_messages=1, timeout=8)
    (received,) = answer.received_messages
    assert GenerationMessage.from_bytes(received.message.data).path.generation_id == "job"


@pytest.mark.stack
def test_a_message_of_9_mb_does_not_keep_others_from_coming(lane: Lane) -> None:
    """The library's own client for emulators refuses it, again and again."""
    lane.subscribe()
    runner = Runner()
    with Running(lane, runner):
        lane.publish("before")
        runner.wait_for("before")
        lane.publisher.publish(lane.topic, b"x" * 9_000_000).result(30)
        for number in range(3):
            lane.publish(f"after-{number}")
            runner.wait_for(f"after-{number}")
    assert [name for name, _ in runner.deliveries] == ["before", "after-0", "after-1", "after-2"]
    # It was acknowledged, not left to come again.
    assert lane.waiting() == []
