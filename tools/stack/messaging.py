"""Creates the topics and subscriptions on the Pub/Sub emulator over REST, waiting until it answers.

Bound: the caller's deadline. Repeating is harmless: what exists already is left as it is.
"""

import functools
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx

from tools.stack.failure import StackError
from tools.stack.names import DEAD_LETTERS, MAX_DELIVERY_ATTEMPTS, PROJECT, SUBSCRIPTIONS
from tools.stack.waiting import wait_until

#: The emulator looks at each stream every 50 ms, each at its own time, and ends it then without a
#: word to anybody but its client, which is gone: there is nothing to wait for but the time itself.
STREAM_TICKS_SECONDS = 0.2

#: One call; given up half-way, a subscription would stay what it must only be for a moment.
CALL_SECONDS = 30.0

#: The worker renews its deadline while it works; this bounds redelivery after it dies.
ACK_DEADLINE_SECONDS = 10

#: Redelivery after a nack: soon, but not in a tight loop.
RETRY_POLICY = {"minimumBackoff": "1s", "maximumBackoff": "60s"}


def create_topics_and_subscriptions(
    host: str, *, deadline: float, check: Callable[[], None]
) -> None:
    """Creates SUBSCRIPTIONS and DEAD_LETTERS on the emulator at `host`.

    Waits for the emulator until `deadline` (monotonic clock) or until `check()` raises.
    """
    with httpx.Client(base_url=f"http://{host}/v1/projects/{PROJECT}", trust_env=False) as client:
        for path, body in _topics_and_subscriptions():
            put = functools.partial(_put, client, path, body)
            if not wait_until(put, deadline=deadline, check=check):
                raise StackError("The Pub/Sub emulator did not answer in time.")


def _topics_and_subscriptions() -> Iterator[tuple[str, dict[str, object]]]:
    """Path and body of each, in the order in which they can be created."""
    for topic, subscription in SUBSCRIPTIONS.items():
        dead = DEAD_LETTERS[topic]
        yield f"topics/{dead}", {}
        yield f"subscriptions/{dead}", {"topic": f"projects/{PROJECT}/topics/{dead}"}
        yield f"topics/{topic}", {}
        settings = {
            "topic": f"projects/{PROJECT}/topics/{topic}",
            "ackDeadlineSeconds": ACK_DEADLINE_SECONDS,
            "retryPolicy": RETRY_POLICY,
            "deadLetterPolicy": {
                "deadLetterTopic": f"projects/{PROJECT}/topics/{dead}",
                "maxDeliveryAttempts": MAX_DELIVERY_ATTEMPTS,
            },
        }
        yield f"subscriptions/{subscription}", settings


def end_streams(pubsub: str, *, project: str = PROJECT) -> None:
    """End every StreamingPull of `project` on the emulator at `pubsub` (host:port).

    The emulator never notices that a stream's client has gone, and goes on leasing messages to it
    for a minute each; the real service does notice. Whoever ends a worker and wants the next one
    to get the messages calls this. A subscription that turns into a push one loses its streams.
    """
    address = f"http://{pubsub}/v1/projects/{project}/"
    with httpx.Client(base_url=address, timeout=CALL_SECONDS, trust_env=False) as client:
        for push in ({"pushEndpoint": "http://127.0.0.1:9/"}, {}):
            for subscription in SUBSCRIPTIONS.values():
                client.post(
                    f"subscriptions/{subscription}:modifyPushConfig", json={"pushConfig": push}
                ).raise_for_status()
            time.sleep(STREAM_TICKS_SECONDS)


def _put(client: httpx.Client, path: str, body: dict[str, object]) -> bool:
    """Creates what is at `path`, or finds it there; False while nobody listens."""
    try:
        answer = client.put(path, json=body)
    except httpx.TransportError:
        return False
    if answer.is_success or answer.status_code == HTTPStatus.CONFLICT:
        return True
    raise StackError(f"The Pub/Sub emulator refused {path}: {answer.text.strip()}")
