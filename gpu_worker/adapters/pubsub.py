"""The worker's Pub/Sub client, with the same bounds for the emulator as for Google's service.

Left alone, the library refuses the emulator's answers above 4 MiB and Google's never. A message of
9 MB then broke the stream each time it was opened, and since the emulator keeps on feeding broken
streams, other messages came late or not at all.
"""

import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

#: A pull may bring several messages, and one alone may have 10 MB: no bound, as with Google's.
EMULATOR_CHANNEL = (("grpc.max_receive_message_length", -1),)


def subscriber_client(emulator: str | None) -> pubsub_v1.SubscriberClient:
    """`emulator` is its `host:port`; None is Google's service, with the environment's credentials.

    Used as a context manager, it closes its channel at the end.
    """
    if emulator is None:
        return pubsub_v1.SubscriberClient()
    channel = grpc.insecure_channel(emulator, options=EMULATOR_CHANNEL)
    return pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
