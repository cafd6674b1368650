"""Pub/Sub StreamingPull: a stream a subscription, flow control, one worker thread a job slot.

The stream's lease on a message is a convenience, not a promise (the document's lease is); so a
message is acknowledged only after its document is settled, and one to be looked at later is let go
with an ack deadline of that many seconds, which is when Pub/Sub delivers it again.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from google.api_core import exceptions as google
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from gpu_worker.intake.delivery import read, settle
from gpu_worker.intake.steady_time import use_steady_time
from gpu_worker.intake.stream_watch import (
    CONFIRM_SECONDS,
    QUIET_SECONDS,
    Stalled,
    StreamWatch,
)
from gpu_worker.lifecycle.handled import Done, Handled, Handler
from shared.clock import SystemClock
from shared.paths import GenerationPath

log = logging.getLogger(__name__)

#: Pub/Sub's own limit for an ack deadline.
MAX_DEFER_SECONDS = 600
#: How far ahead the client leases a message. Left alone it learns from the jobs' length, and a
#: ten-minute job's message would come back ten minutes after a kill -9. A lease that lapses too
#: early costs one read: the document's own lease keeps the duplicate away.
EXTENSION_SECONDS = 10
#: A stream that broke is opened again after a random time that grows up to this.
MAX_REOPEN_SECONDS = 10.0
#: A stream that lived so long had its subscription: if that is not found now, it is news.
STEADY_SECONDS = 60.0
#: How often each stream is looked at, and says that it is looked after.
TICK_SECONDS = 1.0
#: An emulator or a subscription may come up after the worker, and go away under it.
TRANSIENT = (
    google.NotFound,
    google.ServiceUnavailable,
    google.TooManyRequests,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.Aborted,
    google.Cancelled,
    google.Unknown,
    # An acknowledgement was not taken for a minute: the client library ends the stream over it.
    google.RetryError,
    Stalled,
)


class PullIntake:
    """Runs until `stop`. Each subscription has its own stream; they share the job slots."""

    def __init__(
        self,
        subscriber: pubsub_v1.SubscriberClient,
        subscriptions: Sequence[str],
        runner: Handler,
        *,
        slots: int,
        on_tick: Callable[[str], None] = lambda _: None,
        tick_seconds: float = TICK_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        """`subscriptions` are full names: `projects/{project}/subscriptions/{name}`.

        `on_tick` is told a subscription's name again and again while its stream is looked after.
        """
        use_steady_time()
        self._subscriber = subscriber
        self._subscriptions = subscriptions
        self._runner = runner
        self._slots = slots
        self._free_slots = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._streams: set[Any] = set()
        #: Given up as stalled, and closed; a last message may still be in hand.
        self._given_up: list[Any] = []
        self._on_tick = on_tick
        self._tick_seconds = tick_seconds
        self._watch = partial(
            StreamWatch,
            subscriber,
            clock=SystemClock(),
            quiet_seconds=quiet_seconds,
            confirm_seconds=confirm_seconds,
        )

    def run(self) -> None:
        """Block until `stop`, or raise what makes pulling impossible (no permission, say)."""
        with ThreadPoolExecutor(len(self._subscriptions), "stream") as pool:
            streams = [pool.submit(self._keep_open, name) for name in self._subscriptions]
            # Not one after the other: the second may fail for good while the first goes on.
            wait(streams, return_when=FIRST_EXCEPTION)
            self.stop()
        wait(self._given_up)
        for stream in streams:
            stream.result()

    def stop(self) -> None:
        """Close the streams; `run` returns when the jobs in hand are settled.

        Drain the runner first, or this waits for them to finish.
        """
        with self._lock:
            self._stopping.set()
            streams = list(self._streams)
        for stream in streams:
            stream.cancel()

    def _keep_open(self, subscription: str) -> None:
        broke_at = time.monotonic()
        missing = False

        def broke(state: RetryCallState) -> None:
            nonlocal broke_at, missing
            error = state.outcome.exception() if state.outcome else None
            fields = {"subscription": subscription, "error": type(error).__name__}
            known = missing and time.monotonic() - broke_at < STEADY_SECONDS
            broke_at, missing = time.monotonic(), isinstance(error, google.NotFound)
            if not missing:
                log.warning("the stream broke, opening it again", extra={"fields": fields})
            elif not known:
                # A misspelt name, mostly; said once, since it is looked for every few seconds.
                log.error(
                    "there is no subscription %s; looking for it until it is there",
                    subscription,
                    extra={"fields": fields},
                )

        reopening = Retrying(
            retry=retry_if_exception_type(TRANSIENT),
            wait=wait_random_exponential(multiplier=0.25, max=MAX_REOPEN_SECONDS),
            sleep=sleep_using_event(self._stopping),
            stop=stop_when_event_set(self._stopping),
            before_sleep=broke,
            reraise=True,
        )
        try:
            reopening(self._pull, subscription)
        except TRANSIENT:
            if not self._stopping.is_set():
                raise

    def _pull(self, subscription: str) -> None:
        """One stream, from opening to its end."""
        watch = self._watch(subscription)
        with self._lock:
            if self._stopping.is_set():
                return
            stream = self._subscriber.subscribe(
                subscription,
                callback=partial(self._received, watch),
                flow_control=FlowControl(
                    max_messages=self._slots, max_duration_per_lease_extension=EXTENSION_SECONDS
                ),
                scheduler=ThreadScheduler(ThreadPoolExecutor(self._slots, "job")),
                await_callbacks_on_shutdown=True,
                # The server would count a message that was let go (`_defer`) against the stream's
                # limit until it comes again; two of them would silence a stream of two slots.
                use_legacy_flow_control=True,
            )
            self._streams.add(stream)
        log.info("pulling", extra={"fields": {"subscription": subscription}})
        try:
            self._look_after(stream, watch, subscription)
        except Stalled:
            stream.cancel()
            with self._lock:
                self._given_up = [it for it in [*self._given_up, stream] if not it.done()]
            raise
        finally:
            with self._lock:
                self._streams.discard(stream)
        if not self._stopping.is_set():
            raise google.Cancelled("the stream ended by itself")

    def _look_after(self, stream: Any, watch: StreamWatch, subscription: str) -> None:
        """Until the stream ends, or raise what ended it."""
        while True:
            self._on_tick(subscription)
            try:
                stream.result(self._tick_seconds)
            except TimeoutError:
                if stream.done():
                    stream.result()
                    return
            else:
                return
            watch.check()

    def _received(self, watch: StreamWatch, message: Message) -> None:
        with watch.taking():
            self._take(message)

    def _take(self, message: Message) -> None:
        # Raising would end the stream, and with it the worker, for one message. Without an answer
        # the message would hold its flow-control slot for an hour.
        found = read(message.data)
        handled = settle(found, self._in_a_slot) if isinstance(found, GenerationPath) else found
        if isinstance(handled, Done):
            message.ack()
        else:
            _defer(message, handled.seconds)

    def _in_a_slot(self, path: GenerationPath) -> Handled:
        with self._free_slots:
            return self._runner.handle(path)


def _defer(message: Message, seconds: float) -> None:
    """Let go of the message so that Pub/Sub delivers it again after `seconds`."""
    whole = min(MAX_DEFER_SECONDS, math.ceil(seconds))
    if whole <= 0:
        message.nack()
        return
    message.modify_ack_deadline(whole)
    message.drop()
