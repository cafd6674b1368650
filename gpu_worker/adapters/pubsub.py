"""The worker's Pub/Sub client, with bounds of its own, the same for the emulator and for Google.

Left alone, the library waits a minute for the answer to an acknowledgement. And it refuses the
emulator's answers above 4 MiB and Google's never: a message of 9 MB then failed each pull.
"""

from functools import partial

import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

#: For one try of a call about messages in hand. They are leased for no longer than that, so a later
#: answer is worth nothing: the message is delivered again, and finds its document done.
ANSWER_SECONDS = 10.0
#: A pull may bring several messages, and one alone may have 10 MB: no bound, as with Google's.
EMULATOR_CHANNEL = (("grpc.max_receive_message_length", -1),)


def subscriber_client(emulator: str | None) -> pubsub_v1.SubscriberClient:
    """`emulator` is its `host:port`; None is Google's service, with the environment's credentials.

    Used as a context manager, it closes its channel at the end.
    """
    if emulator is None:
        return _bounded(pubsub_v1.SubscriberClient())
    channel = grpc.insecure_channel(emulator, options=EMULATOR_CHANNEL)
    return _bounded(pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)))


def _bounded(client: pubsub_v1.SubscriberClient) -> pubsub_v1.SubscriberClient:
    """Whoever calls these two without a time limit has one."""
    for name in ("acknowledge", "modify_ack_deadline"):
        setattr(client, name, partial(getattr(client, name), timeout=ANSWER_SECONDS))
    return client
