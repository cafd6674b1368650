"""The worker's Pub/Sub client, with bounds of its own, the same for the emulator and for Google.

Left alone, the library waits a minute for the answer to an acknowledgement, and grpc up to two
until it tries a connection again that broke. And the library refuses the emulator's answers above
4 MiB and Google's never: a message of 9 MB then failed each pull.
"""

from functools import partial
from typing import Any

import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

#: For one try of a call about messages in hand. They are leased for no longer than that, so a later
#: answer is worth nothing: the message is delivered again, and finds its document done.
ANSWER_SECONDS = 10.0
#: A connection on which nothing was heard for so long is asked for a sign of life, and given up
#: without one: a pull's own time limit ends the pull only, and the next one goes the same way.
QUIET_SECONDS = 30.0
SIGN_OF_LIFE_SECONDS = 10.0
#: Tries to connect come after a time that grows up to this.
RECONNECT_SECONDS = 10.0
#: A pull may bring several messages, and one alone may have 10 MB: no bound, as with Google's.
EMULATOR_CHANNEL = (("grpc.max_receive_message_length", -1),)


def subscriber_client(emulator: str | None) -> pubsub_v1.SubscriberClient:
    """`emulator` is its `host:port`; None is Google's service, with the environment's credentials.

    Used as a context manager, it closes its channel at the end.
    """
    if emulator is None:
        transport: Any = partial(SubscriberGrpcTransport, channel=_channel)
        return _bounded(pubsub_v1.SubscriberClient(transport=transport))
    channel = grpc.insecure_channel(emulator, options=[*EMULATOR_CHANNEL, *_connection()])
    return _bounded(pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)))


def _channel(host: str, *, options: list[tuple[str, Any]], **others: Any) -> grpc.Channel:
    """As the library makes it, but for what a connection may take."""
    ours = [*options, *_connection()]
    return SubscriberGrpcTransport.create_channel(host, options=ours, **others)


def _connection() -> list[tuple[str, int]]:
    seconds = {
        "grpc.keepalive_time_ms": QUIET_SECONDS,
        "grpc.keepalive_timeout_ms": SIGN_OF_LIFE_SECONDS,
        # That one does not count where another ping was sent just before; this one does.
        "grpc.http2.ping_timeout_ms": SIGN_OF_LIFE_SECONDS,
        "grpc.max_reconnect_backoff_ms": RECONNECT_SECONDS,
    }
    return [(name, round(value * 1000)) for name, value in seconds.items()]


def _bounded(client: pubsub_v1.SubscriberClient) -> pubsub_v1.SubscriberClient:
    """Whoever calls these two without a time limit has one."""
    for name in ("acknowledge", "modify_ack_deadline"):
        setattr(client, name, partial(getattr(client, name), timeout=ANSWER_SECONDS))
    return client
