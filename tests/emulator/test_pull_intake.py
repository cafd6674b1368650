"""`PullIntake` on the real client and the Pub/Sub emulator: what the fake only assumes."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import pytest
from google.cloud import pubsub_v1

from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.handled import Done, Handled, Later
from shared.message import GenerationMessage
from shared.paths import GenerationPath
from tools.stack import Stack

TIMEOUT_SECONDS = 30.0


@dataclass
class Lane:
    """A topic with a subscription of its own."""

    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient
    topic: str
    subscription: str

    def subscribe(self) -> None:
        self.subscriber.create_subscription(
            name=self.subscription, topic=self.topic, ack_deadline_seconds=10
        )

    def publish(self, name: str) -> None:
        path = GenerationPath(uid="ada", generation_id=name)
        self.publisher.publish(self.topic, GenerationMessage(path=path).to_bytes()).result(10)


@pytest.fixture
def lane(stack: Stack) -> Iterator[Lane]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", stack.pubsub)
        publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    name = f"intake-{uuid.uuid4().hex}"
    topic = publisher.topic_path(stack.project, name)
    publisher.create_topic(name=topic)
    yield Lane(publisher, subscriber, topic, subscriber.subscription_path(stack.project, name))
    publisher.stop()
    publisher.transport.close()
    subscriber.close()


@dataclass
class Runner:
    """Answers each delivery of a generation in turn, then `Done`; records when each came."""

    answers: dict[str, deque[Handled]] = field(default_factory=dict)
    hook: Callable[[str], None] = lambda _: None
    deliveries: list[tuple[str, float]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def handle(self, path: GenerationPath) -> Handled:
        name = path.generation_id
        with self.changed:
            self.deliveries.append((name, time.monotonic()))
            self.changed.notify_all()
        self.hook(name)
        answers = self.answers.get(name)
        return answers.popleft() if answers else Done()

    def times(self, name: str) -> list[float]:
        return [at for delivered, at in self.deliveries if delivered == name]

    def wait_for(self, name: str, count: int = 1) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.times(name)) >= count, TIMEOUT_SECONDS), (
                f"{name} did not come {count} times: {self.deliveries}"
            )


class Running:
    """An intake in a thread for the length of a `with` block."""

    def __init__(self, lane: Lane, runner: Runner, slots: int = 1) -> None:
        self.intake = PullIntake(lane.subscriber, [lane.subscription], runner, slots=slots)
        self.thread = threading.Thread(target=self.intake.run)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.intake.stop()
        self.thread.join(TIMEOUT_SECONDS)
        assert not self.thread.is_alive()


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
def test_a_stream_opened_before_its_subscription_exists_recovers(lane: Lane) -> None:
    runner = Runner()
    with Running(lane, runner):
        lane.subscribe()
        lane.publish("early")
        runner.wait_for("early")


@pytest.mark.stack
def test_a_job_given_back_during_a_stop_is_there_for_the_next_worker_at_once(lane: Lane) -> None:
    """Fetched by one plain pull: the emulator goes on feeding streams that were cancelled."""
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
    # Handed back, not left to lapse: the client leases for 30 s.
    answer = lane.subscriber.pull(subscription=lane.subscription, max_messages=1, timeout=8)
    (received,) = answer.received_messages
    assert GenerationMessage.from_bytes(received.message.data).path.generation_id == "job"
