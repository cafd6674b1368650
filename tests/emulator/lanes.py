"""A topic of a test's own on the Pub/Sub emulator, and an intake that listens to it."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from google.cloud import pubsub_v1

from gpu_worker.intake.pull import PullIntake
from gpu_worker.lifecycle.handled import Done, Handled
from shared.message import GenerationMessage
from shared.paths import GenerationPath

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

    def waiting(self) -> list[bytes]:
        """What a plain pull gets at once; it is leased then."""
        request = {
            "subscription": self.subscription,
            "max_messages": 10,
            "return_immediately": True,
        }
        answer = self.subscriber.pull(request=request, timeout=TIMEOUT_SECONDS, retry=None)
        return [received.message.data for received in answer.received_messages]


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
