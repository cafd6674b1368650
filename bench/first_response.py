"""How long the phone waits until somebody is at work, next to the floor of the same run.

Timed: the client SDK's create → its listener sees `processing` (rules, trigger, Pub/Sub, claim).
Floor: a bare publish → StreamingPull → one document write → the same listener, which is what any
design with these parts has to pay. Interleaved, so that a noisy machine disturbs both alike.
"""

import queue
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1

from bench.report import percentile, write_section
from tools.demo.phone import Phone
from tools.stack import Stack, running_stack
from tools.stack.names import BUILD

ROUNDS = 30
#: Not measured: the first rounds pay for connections and the function's cold start.
WARM_UP_ROUNDS = 3
TIMEOUT_SECONDS = 60.0


def main() -> None:
    with running_stack(BUILD / "bench-stack", worker=True) as stack, Phone(stack) as phone:
        phone.sign_in()
        with bare_pipe(stack, phone) as bare:
            ours, floor = [], []
            for number in range(WARM_UP_ROUNDS + ROUNDS):
                floor.append(bare(number))
                ours.append(created_to_processing(phone))
    ours, floor = ours[WARM_UP_ROUNDS:], floor[WARM_UP_ROUNDS:]
    rows = [
        [name, *(f"{percentile(values, share) * 1000:.0f} ms" for share in (0.5, 0.95))]
        for name, values in (
            ("created → `processing` seen by the phone", ours),
            ("floor: publish → pull → one write → listener", floor),
        )
    ]
    ratio = percentile(ours, 0.5) / percentile(floor, 0.5)
    rows.append(["ratio of the medians", f"{ratio:.2f}", ""])
    write_section("first-response", ["", "p50", "p95"], rows)


def created_to_processing(phone: Phone) -> float:
    """Seconds; waits for the end, so that the next round meets an idle worker."""
    generation_id = secrets.token_hex(8)
    request = {"prompt": "a red circle on a blue background", "num_inference_steps": 4}
    phone.create(generation_id, request)
    created = phone.wait_for("creating")["at"]
    seen: dict[str, float] = {}
    for event in phone.documents(generation_id, TIMEOUT_SECONDS):
        seen.setdefault(event["data"]["status"], event["at"])
    if "completed" not in seen:
        raise RuntimeError(f"the generation did not complete, it was seen as {list(seen)}")
    return (seen["processing"] - float(created)) / 1000


@contextmanager
def bare_pipe(stack: Stack, phone: Phone) -> Iterator[Any]:
    """Yields a function that sends one message through and returns the seconds it took."""
    from os import environ  # noqa: PLC0415

    environ.update(stack.env())
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    client = firestore.Client(project=stack.project, credentials=AnonymousCredentials())
    topic = publisher.topic_path(stack.project, "bench")
    subscription = subscriber.subscription_path(stack.project, "bench")
    publisher.create_topic(name=topic)
    subscriber.create_subscription(name=subscription, topic=topic)
    generation_id = f"floor-{secrets.token_hex(4)}"
    document = client.document(f"users/{phone.uid}/generations/{generation_id}")
    # Finished, so that the trigger leaves it alone.
    document.set({"status": "completed", "round": -1})
    phone.listen(generation_id)
    phone.wait_for("document")
    failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def received(message: Any) -> None:
        try:
            document.update({"round": int(message.data)})
            message.ack()
        except BaseException as error:
            failures.put(error)
            raise

    stream = subscriber.subscribe(subscription, callback=received)

    def once(number: int) -> float:
        started = time.time()
        publisher.publish(topic, str(number).encode())
        for event in phone.events(TIMEOUT_SECONDS):
            if event["event"] == "document" and event["data"].get("round") == number:
                return float(event["at"]) / 1000 - started
        raise RuntimeError(f"the phone never saw round {number}")

    try:
        yield once
    finally:
        stream.cancel()
        stream.result()
        subscriber.close()


if __name__ == "__main__":
    main()
