"""`ServerClock` on its own."""

from datetime import timedelta

from gpu_worker.lifecycle.server_clock import ServerClock
from tests.unit.lifecycle.world import ManualClock


def test_the_server_s_clock_is_never_behind_and_at_most_a_round_trip_ahead() -> None:
    clock = ManualClock()
    sent_at = clock.monotonic()
    clock.advance(2)
    answered = clock.now()
    clock.advance(3)
    server = ServerClock(clock, server_time=answered, sent_at=sent_at)
    assert clock.now() <= server.now() <= clock.now() + timedelta(seconds=5)
    clock.advance(100)
    assert server.now() - clock.now() == timedelta(seconds=2)
