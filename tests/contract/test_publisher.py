"""What every `MessagePublisher` does: the message is stored once `publish` has returned."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from google.cloud.pubsub_v1 import SubscriberClient

from shared.in_memory import InMemoryPublisher
from shared.ports import MessagePublisher, Missing
from trigger.adapters.pubsub import PubSubPublisher

TOPIC = "generate-contract"


@dataclass(frozen=True)
class Subject:
    """A publisher, and how to see what it has stored on TOPIC."""

    publisher: MessagePublisher
    #: Returns that many messages, waiting for them if need be.
    stored: Callable[[int], list[bytes]]


def in_memory(_request: pytest.FixtureRequest) -> Subject:
    publisher = InMemoryPublisher((TOPIC,))
    return Subject(publisher, lambda count: publisher.published[TOPIC][:count])


def pubsub(request: pytest.FixtureRequest) -> Subject:
    client = request.getfixturevalue("publisher_client")
    subscriber: SubscriberClient = request.getfixturevalue("subscriber_client")
    # A project of its own, whose topic no worker listens to.
    project = f"demo-contract-{uuid4().hex[:8]}"
    topic = f"projects/{project}/topics/{TOPIC}"
    subscription = f"projects/{project}/subscriptions/all"
    client.create_topic(name=topic)
    subscriber.create_subscription(name=subscription, topic=topic)

    def stored(count: int) -> list[bytes]:
        messages: list[bytes] = []
        while len(messages) < count:
            answer = subscriber.pull(subscription=subscription, max_messages=count, timeout=10)
            messages += [received.message.data for received in answer.received_messages]
            ack_ids = [received.ack_id for received in answer.received_messages]
            if ack_ids:
                subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids)
        return messages

    return Subject(PubSubPublisher(client, project), stored)


@pytest.fixture(
    params=[
        pytest.param(in_memory, id="in memory"),
        pytest.param(pubsub, id="trigger", marks=pytest.mark.stack),
    ]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    build: Callable[[pytest.FixtureRequest], Subject] = request.param
    return build(request)


def test_a_published_message_is_stored_byte_for_byte(subject: Subject) -> None:
    data = bytes(range(256))
    subject.publisher.publish(TOPIC, data)
    assert subject.stored(1) == [data]


def test_every_message_is_stored_even_when_the_same_is_published_twice(subject: Subject) -> None:
    for data in (b"one", b"two", b"two"):
        subject.publisher.publish(TOPIC, data)
    assert sorted(subject.stored(3)) == [b"one", b"two", b"two"]


def test_publishing_to_a_topic_that_does_not_exist_says_which(subject: Subject) -> None:
    with pytest.raises(Missing, match="no-such-topic"):
        subject.publisher.publish("no-such-topic", b"lost")
