"""Whatever is lost, and in whatever order things happen, the sweep brings a generation to its end.

One document on in-memory ports: its event, its messages and its workers may be lost at any moment.
"""

from datetime import timedelta

from hypothesis import settings

from shared.lease import LEASE_SECONDS
from shared.sweeping import MAX_QUEUED_SECONDS, QUEUED_SECONDS
from tests.unit.trigger.losses import AnyLoss


def test_a_round_is_long_enough_for_a_lease_to_lapse() -> None:
    assert timedelta(minutes=1) > timedelta(seconds=LEASE_SECONDS)
    assert timedelta(seconds=QUEUED_SECONDS) < timedelta(seconds=MAX_QUEUED_SECONDS)


TestAnyLoss = AnyLoss.TestCase
TestAnyLoss.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
