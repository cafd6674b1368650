"""Pub/Sub by waiting pulls, one message at a time when there is room for it; a thread a job.

The lease on a message is a convenience, not a promise (the document's lease is); so a message is
acknowledged only after its document is settled, and one to be looked at later is let go with an ack
deadline of that many seconds, which is when Pub/Sub delivers it again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial

from google.api_core import exceptions as google
from google.cloud import pubsub_v1
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from gpu_worker.intake.delivery import read, settle
from gpu_worker.intake.room import Greedy, Outlook, Room
from gpu_worker.intake.subscription import EXTEND_SECONDS, Received, Subscription
from gpu_worker.lifecycle.handled import Done, Handler
from shared.paths import GenerationPath

log = logging.getLogger(__name__)

#: After a pull that failed the next one comes after a random time that grows up to this.
MAX_RETRY_SECONDS = 10.0
#: A subscription that was there for so long: if it is not found now, it is news.
STEADY_SECONDS = 60.0
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
)


class PullIntake:
    """Runs until `stop`. Each subscription is asked in a thread of its own; they share the room."""

    def __init__(
        self,
        subscriber: pubsub_v1.SubscriberClient,
        subscriptions: Sequence[str],
        runner: Handler,
        *,
        slots: int,
        on_tick: Callable[[str], None] = lambda _: None,
        outlook: Outlook | None = None,
    ) -> None:
        """`subscriptions` are full names: `projects/{project}/subscriptions/{name}`.

        `on_tick` is told again and again of each what is looked after: its name, and its leases.
        `outlook` says when another message is wanted; without one every slot is filled at once.
        """
        self._subscriptions = [Subscription(subscriber, name) for name in subscriptions]
        self._runner = runner
        self._room = Room(slots, outlook or Greedy(), askers=len(subscriptions))
        self._stopping = threading.Event()
        self._on_tick = on_tick

    def run(self) -> None:
        """Block until `stop`, or raise what makes pulling impossible (no permission, say)."""
        with (
            self._extending(),
            ThreadPoolExecutor(self._room.most, "job") as jobs,
            ThreadPoolExecutor(len(self._subscriptions), "pull") as pool,
        ):
            asking = [pool.submit(self._keep_asking, it, jobs) for it in self._subscriptions]
            # Not one after the other: the second may fail for good while the first goes on.
            wait(asking, return_when=FIRST_EXCEPTION)
            self.stop()
        for each in asking:
            each.result()

    def stop(self) -> None:
        """Ask no more; `run` returns when the jobs in hand are settled.

        Drain the runner first, or this waits for them to finish.
        """
        self._stopping.set()
        self._room.close()
        for subscription in self._subscriptions:
            subscription.stop()

    def look(self) -> None:
        """The outlook has changed."""
        self._room.look()

    @contextmanager
    def _extending(self) -> Iterator[None]:
        """The leases of what is in hand, until the last of it is settled."""
        over = threading.Event()

        def extend(subscription: Subscription) -> None:
            while not over.wait(EXTEND_SECONDS):
                self._on_tick(f"{subscription.name}, leases")
                if self._stopping.is_set():
                    # Whoever asked for messages is gone; what is in hand may take its time.
                    self._on_tick(subscription.name)
                subscription.extend()

        threads = [
            threading.Thread(target=extend, args=(it,), name="extend", daemon=True)
            for it in self._subscriptions
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _keep_asking(self, subscription: Subscription, jobs: Executor) -> None:
        broke_at = time.monotonic()
        missing = False

        def broke(state: RetryCallState) -> None:
            nonlocal broke_at, missing
            error = state.outcome.exception() if state.outcome else None
            fields = {"subscription": subscription.name, "error": type(error).__name__}
            known = missing and time.monotonic() - broke_at < STEADY_SECONDS
            broke_at, missing = time.monotonic(), isinstance(error, google.NotFound)
            if not missing:
                log.warning("a pull failed, asking again", extra={"fields": fields})
            elif not known:
                # A misspelt name, mostly; said once, since it is looked for every few seconds.
                log.error(
                    "there is no subscription %s; looking for it until it is there",
                    subscription.name,
                    extra={"fields": fields},
                )

        while not self._stopping.is_set():
            # Anew after each pull that went well, so that waits begin small again.
            asking = Retrying(
                retry=retry_if_exception_type(TRANSIENT),
                wait=wait_random_exponential(multiplier=0.25, max=MAX_RETRY_SECONDS),
                sleep=sleep_using_event(self._stopping),
                stop=stop_when_event_set(self._stopping),
                before_sleep=broke,
                reraise=True,
            )
            try:
                asking(self._ask, subscription, jobs)
            except TRANSIENT:
                if not self._stopping.is_set():
                    raise
            except google.GoogleAPICallError as error:
                # Said now: `run` raises it when what is in hand is done, a film in an hour maybe.
                fields = {"subscription": subscription.name, "error": type(error).__name__}
                log.critical(
                    "nothing can be pulled; the worker ends after what it has in hand",
                    extra={"fields": fields},
                )
                raise

    def _ask(self, subscription: Subscription, jobs: Executor) -> None:
        """One message, if there is room and one comes."""
        tick = partial(self._on_tick, subscription.name)
        if not self._room.wait(tick):
            return
        message = subscription.pull(tick)
        if message is None:
            return
        if self._room.take():
            jobs.submit(self._settle, subscription, message)
        else:
            # A pull that was waiting when another brought a job: others may be free for it.
            subscription.let_go(message, 0)

    def _settle(self, subscription: Subscription, message: Received) -> None:
        try:
            found = read(message.data)
            handled = (
                settle(found, self._runner.handle) if isinstance(found, GenerationPath) else found
            )
            if isinstance(handled, Done):
                subscription.acknowledge(message)
            else:
                subscription.let_go(message, handled.seconds)
        finally:
            self._room.leave()
