"""One Pub/Sub subscription by single calls: a waiting pull for one message, and what it is told.

No stream: what a stream has brought, or holds in its buffers, other workers cannot get, and how
much that may be is settled when it is opened. A pull asks for one message at the moment when there
is room for it. In hand, a message is leased LEASED_SECONDS ahead and no more: after a kill -9 it is
delivered again soon. A lease that lapses too early costs one read: the document's own lease keeps
the duplicate away.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.api_core import exceptions as google
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.api_core.retry import Retry, if_exception_type
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from shared.json_log import trace_of

log = logging.getLogger(__name__)

#: A waiting pull is asked anew after so long. One whose client was killed is over by the time when
#: what that client had in hand is delivered again (LEASED_SECONDS − EXTEND_SECONDS at least), else
#: it could be handed to nobody; and a connection that died in silence costs that at most.
PULL_SECONDS = 6.0
#: How often whoever waits for one is heard of.
TICK_SECONDS = 1.0
#: How far ahead a message in hand is leased: the least that Pub/Sub takes.
LEASED_SECONDS = 10
#: Two more tries fit before a lease lapses.
EXTEND_SECONDS = 3.0
#: Of the call that extends leases, whose next one comes soon; of the others.
EXTENDING_TIMEOUT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
#: Pub/Sub's own limit for an ack deadline.
MAX_DEFER_SECONDS = 600
#: Of a message that is let go: past its lease it comes again by itself. Left alone, the library
#: repeats the call for a minute, in which whoever asks for messages would be taken for stuck.
WHILE_LEASED = Retry(if_exception_type(google.ServiceUnavailable), timeout=LEASED_SECONDS)


@dataclass(frozen=True, slots=True)
class Received:
    ack_id: str
    data: bytes


class Subscription:
    """Thread-safe; `pull` from one thread."""

    def __init__(self, subscriber: pubsub_v1.SubscriberClient, name: str) -> None:
        """`name` is the full one: `projects/{project}/subscriptions/{name}`."""
        self.name = name
        self._subscriber = subscriber
        # The client's own `pull` blocks its thread until the end, and knows no way to call it off.
        self._ask: Any = subscriber.transport.pull
        self._lock = threading.Lock()
        self._stopped = False
        self._waiting: Any = None
        self._in_hand: set[str] = set()
        #: Held while leases are extended.
        self._extending = threading.Lock()

    def pull(self, tick: Callable[[], None]) -> Received | None:
        """The next message; None when none came for a while, or after `stop`.

        `tick` is called every TICK_SECONDS. Raises `GoogleAPICallError`.
        """
        with self._lock:
            if self._stopped:
                return None
            asked = self._waiting = self._ask.future(
                types.PullRequest(subscription=self.name, max_messages=1),
                timeout=PULL_SECONDS,
                metadata=(to_grpc_metadata({"subscription": self.name}),),
            )
        try:
            answer = _answer(asked, tick)
        finally:
            with self._lock:
                self._waiting = None
        if answer is None or not answer.received_messages:
            return None
        (message,) = answer.received_messages
        received = Received(message.ack_id, message.message.data)
        with self._lock:
            self._in_hand.add(received.ack_id)
        return received

    def stop(self) -> None:
        """No pull waits any more. A message that was on its way is delivered again."""
        with self._lock:
            self._stopped = True
            waiting = self._waiting
        if waiting is not None:
            waiting.cancel()

    def acknowledge(self, message: Received) -> None:
        """Never raises: if it gets lost, the message comes again and finds its document done."""
        request = {"subscription": self.name, "ack_ids": [message.ack_id]}
        self._tell(
            message,
            lambda: self._subscriber.acknowledge(request=request, timeout=ANSWER_SECONDS),
        )

    def let_go(self, message: Received, seconds: float) -> None:
        """Have it delivered again after `seconds`, 0 is now. Never raises: its lease lapses too.

        Pub/Sub knows whole seconds. Of a longer time the fraction is left out: who is a moment too
        early waits for it, and nobody waits for a second of which a tenth was meant.
        """
        whole = math.floor(seconds) if seconds > 1 else math.ceil(seconds)
        request = {
            "subscription": self.name,
            "ack_ids": [message.ack_id],
            "ack_deadline_seconds": max(0, min(MAX_DEFER_SECONDS, whole)),
        }
        self._tell(
            message,
            lambda: self._subscriber.modify_ack_deadline(
                request=request, timeout=ANSWER_SECONDS, retry=WHILE_LEASED
            ),
        )

    def extend(self) -> None:
        """The leases of what is in hand; to be called every EXTEND_SECONDS. Never raises."""
        with self._extending:
            with self._lock:
                ids = sorted(self._in_hand)
            if not ids:
                return
            request = {
                "subscription": self.name,
                "ack_ids": ids,
                "ack_deadline_seconds": LEASED_SECONDS,
            }
            try:
                self._subscriber.modify_ack_deadline(
                    request=request, timeout=EXTENDING_TIMEOUT_SECONDS, retry=None
                )
            except google.GoogleAPICallError as error:
                log.info("could not extend %d leases: %s", len(ids), type(error).__name__)
            except Exception as error:  # noqa: BLE001 (logged without its text)
                # Whoever calls this goes on: all that is in hand would come again otherwise.
                fields = {"subscription": self.name, **trace_of(error)}
                log.error("could not extend leases", extra={"fields": fields})  # noqa: TRY400

    def _tell(self, message: Received, call: Callable[[], Any]) -> None:
        with self._lock:
            self._in_hand.discard(message.ack_id)
        # An extension under way may have it still, and must not undo what it is told now. Not
        # longer: an answer that does not come must not keep others' leases from being extended.
        with self._extending:
            pass
        try:
            call()
        except (google.GoogleAPICallError, google.RetryError) as error:
            fields = {"subscription": self.name, "error": type(error).__name__}
            log.warning("a message will come again", extra={"fields": fields})


def _answer(asked: Any, tick: Callable[[], None]) -> Any:
    """None: nothing came in time, or nobody waits for it any more."""
    began = time.monotonic()
    while True:
        tick()
        try:
            return asked.result(timeout=TICK_SECONDS)
        except grpc.FutureTimeoutError:
            # grpc's own limit ends it; this is for a grpc that does not.
            if time.monotonic() - began > 2 * PULL_SECONDS:
                asked.cancel()
        except grpc.FutureCancelledError:
            return None
        except grpc.RpcError as error:
            fault = google.from_grpc_error(error)
            waited = time.monotonic() - began
            if isinstance(fault, google.DeadlineExceeded) and waited >= PULL_SECONDS / 2:
                return None
            raise fault from None
