"""`MessagePublisher` over a google-cloud-pubsub client: returns once the message is stored.

The client must not batch: an instance may lose its CPU as soon as the event is answered. Bounds:
see `trigger.adapters.transient`.
"""

from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from shared.ports import Missing, Unavailable
from trigger.adapters.transient import ATTEMPT_TIMEOUT, GAVE_UP, RETRY, RETRY_SECONDS

#: The client works on a thread of its own; this only catches one that never comes back.
RESULT_TIMEOUT_SECONDS = RETRY_SECONDS + 5.0


def unbatched_publisher_client() -> Any:
    """A `PublisherClient` that sends every message at once."""
    return PublisherClient(BatchSettings(max_messages=1))


class PubSubPublisher:
    """Topics of `project` through `client` (see `unbatched_publisher_client`)."""

    def __init__(self, client: Any, project: str, retry: Retry = RETRY) -> None:
        self._client = client
        self._retry = retry
        self.project = project

    def publish(self, topic: str, data: bytes) -> None:
        name = f"projects/{self.project}/topics/{topic}"
        future = self._client.publish(name, data, retry=self._retry, timeout=ATTEMPT_TIMEOUT)
        try:
            future.result(timeout=RESULT_TIMEOUT_SECONDS)
        except exceptions.NotFound as error:
            raise Missing(f"there is no topic {name}") from error
        except (TimeoutError, *GAVE_UP) as error:
            raise Unavailable(f"Pub/Sub did not store a message for {topic}: {error}") from error
