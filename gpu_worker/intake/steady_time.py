"""Gives the Pub/Sub client a clock that does not jump.

It measures durations by the wall clock. Set two hours ahead, that made it drop messages in hand as
leased too long; set back, it held acknowledgements and took no message for two hours. Three of its
modules (private ones: the version is pinned) get the monotonic clock in place of their `time`.
"""

import time
from types import SimpleNamespace

from google.cloud.pubsub_v1.subscriber import message
from google.cloud.pubsub_v1.subscriber._protocol import helper_threads, leaser

#: All of the subscriber that asks for the time, and asks only how long something took.
MODULES = (message, helper_threads, leaser)


def use_steady_time() -> None:
    """For every stream of this process. May be called more than once."""
    steady = SimpleNamespace(time=time.monotonic)
    for module in MODULES:
        module.time = steady
