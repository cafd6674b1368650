"""Notices a stream that has gone silent: messages wait, slots are free, and none comes through.

A stream that brought nothing for QUIET_SECONDS, and of which nothing is in hand, is held against a
plain pull of one message, which answers at once. A message there goes back; found twice without
the stream bringing any, the stream has stalled and its owner opens another. No lease is at stake
then, and nothing is drawn twice. Noticed within some 40 s where messages go on waiting.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions as google
from google.cloud import pubsub_v1

from shared.clock import Clock
from shared.message import GenerationMessage, MalformedMessage, NewerSchema

log = logging.getLogger(__name__)

#: A subscription may well have nothing to bring for that long; then one small call tells.
QUIET_SECONDS = 30.0
#: After the first message that a plain pull got: it may just have been faster than the stream.
CONFIRM_SECONDS = 5.0
#: For so long: a message that went back may come again only after a minute (its retry policy).
SUSPICION_SECONDS = 90.0
#: How many messages in a row a plain pull has to get before the stream.
HITS = 2
#: Of one plain pull, and of the call that hands its message back: they answer at once or never.
CALL_TIMEOUT_SECONDS = 10.0


class Stalled(Exception):
    """The stream brings nothing though there are messages; another one is needed."""


class StreamWatch:
    """One stream's. `taking` from any thread; `check` from its owner's."""

    def __init__(
        self,
        subscriber: pubsub_v1.SubscriberClient,
        subscription: str,
        clock: Clock,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._subscriber = subscriber
        self._subscription = subscription
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._confirm_seconds = confirm_seconds
        self._lock = threading.Lock()
        self._taken = self._in_hand = 0
        self._hits = 0
        self._suspected_until = 0.0
        self._look_at = clock.monotonic() + quiet_seconds

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Around the work on a message that the stream brought."""
        with self._lock:
            self._taken += 1
            self._in_hand += 1
            self._hits = 0
        try:
            yield
        finally:
            with self._lock:
                self._in_hand -= 1
                self._look_at = self._clock.monotonic() + self._quiet_seconds

    def check(self) -> None:
        """Raise `Stalled` when the stream is known to be. Takes no longer than two calls."""
        with self._lock:
            if self._in_hand or self._clock.monotonic() < self._look_at:
                return
            taken = self._taken
        found = self._pull_one()
        with self._lock:
            if self._taken != taken:
                return  # the stream brought one meanwhile
            now = self._clock.monotonic()
            if found:
                self._hits, self._suspected_until = self._hits + 1, now + SUSPICION_SECONDS
            elif now >= self._suspected_until:
                self._hits = 0
            wait = self._confirm_seconds if self._hits else self._quiet_seconds
            self._look_at = now + wait
            if self._hits >= HITS:
                raise Stalled

    def _pull_one(self) -> bool:
        """Whether a message was waiting; it is handed back, unless nobody could ever read it."""
        try:
            answer = self._subscriber.pull(
                # Else the call would wait for a message that has yet to come.
                request={
                    "subscription": self._subscription,
                    "max_messages": 1,
                    "return_immediately": True,
                },
                timeout=CALL_TIMEOUT_SECONDS,
                retry=None,
            )
            for received in answer.received_messages:
                self._hand_back(received)
        except google.GoogleAPICallError as error:
            # The stream has the same trouble, and says so by itself if it lasts.
            log.info("could not look for waiting messages: %s", type(error).__name__)
            return False
        return bool(answer.received_messages)

    def _hand_back(self, received: Any) -> None:
        handle = {"subscription": self._subscription, "ack_ids": [received.ack_id]}
        try:
            GenerationMessage.from_bytes(received.message.data)
        except MalformedMessage as error:
            # It may be what the stream stalled over.
            log.error("dropped a message: %s", error)  # noqa: TRY400 (no trace wanted)
            self._subscriber.acknowledge(request=handle, timeout=CALL_TIMEOUT_SECONDS, retry=None)
            return
        except NewerSchema:
            pass
        self._subscriber.modify_ack_deadline(
            request={**handle, "ack_deadline_seconds": 0}, timeout=CALL_TIMEOUT_SECONDS, retry=None
        )
