"""Whether a worker has room for another message: opens late, so that idle workers come first.

None is taken while the engine has no model; a first one whenever nothing is in hand; another only
when the engine will soon be free (`Outlook`), so that it is claimed, fetched and in line by then,
and until then waits in Pub/Sub, where any other worker can have it. Jobs whose pictures are being
stored need the engine no more and take no slot; up to STORING of them may be in hand besides.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

#: Jobs behind the engine: when storing takes longer than drawing for long, drawing has to wait.
STORING = 2
#: How long a message may be on its way to the engine (claimed, its images fetched) before another
#: is taken beside it.
ON_ITS_WAY_SECONDS = 1.0
#: The outlook changes with every step; it is looked at so often.
LOOK_SECONDS = 0.25


class Outlook(Protocol):
    """What lies before the engine of a worker."""

    @property
    def ready(self) -> bool:
        """False while the engine has no model: what is taken then waits here, and for nothing."""
        ...

    def storing(self) -> int:
        """Jobs in hand that need the engine no more."""
        ...

    def wanted_in(self) -> float | None:
        """Seconds until another job should be fetched, 0 or less: now. None: nothing is at work."""
        ...


class Greedy:
    """No outlook: every slot is filled at once."""

    ready = True

    def storing(self) -> int:
        return 0

    def wanted_in(self) -> float | None:
        return 0.0


class Room:
    """Thread-safe."""

    def __init__(self, slots: int, outlook: Outlook, *, askers: int = 1) -> None:
        """`slots`: jobs in hand that need the engine. `askers` pull at the same time; what comes
        for them all when it was time is kept, though it be a message more than there are slots."""
        self._slots = slots
        self._outlook = outlook
        self._spare = askers - 1
        self._changed = threading.Condition()
        self._in_hand = 0
        self._taken_at = 0.0
        self._closed = False

    @property
    def most(self) -> int:
        """Messages in hand at any time."""
        return self._slots + STORING + self._spare

    def wait(self, tick: Callable[[], None]) -> bool:
        """Until a message is wanted; False once closed. `tick` is called now and then."""
        while True:
            tick()
            with self._changed:
                if self._closed:
                    return False
                left = self._opens_in(self._slots)
                if left <= 0:
                    return True
                self._changed.wait(min(left, LOOK_SECONDS))

    def take(self) -> bool:
        """Whether the message that came is wanted; then `leave` has to follow."""
        with self._changed:
            if self._closed or self._opens_in(self._slots + self._spare) > 0:
                return False
            self._in_hand += 1
            self._taken_at = time.monotonic()
            return True

    def leave(self) -> None:
        with self._changed:
            self._in_hand -= 1
            self._changed.notify_all()

    def look(self) -> None:
        """Something has changed that the outlook depends on."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _opens_in(self, slots: int) -> float:
        if not self._outlook.ready:
            return LOOK_SECONDS
        if not self._in_hand:
            return 0.0
        storing = min(self._outlook.storing(), STORING)
        if self._in_hand - storing >= slots:
            return LOOK_SECONDS
        if self._in_hand == storing:
            return 0.0
        wanted_in = self._outlook.wanted_in()
        if wanted_in is None:
            return self._taken_at + ON_ITS_WAY_SECONDS - time.monotonic()
        return wanted_in
