"""The numbers of `gpu_worker.intake.subscription` fit each other."""

from gpu_worker.intake.subscription import (
    EXTEND_SECONDS,
    EXTENDING_TIMEOUT_SECONDS,
    LEASED_SECONDS,
    PULL_SECONDS,
)


def test_a_dead_worker_s_pull_is_over_before_its_messages_are_delivered_again() -> None:
    assert PULL_SECONDS < LEASED_SECONDS - EXTEND_SECONDS


def test_an_extension_may_fail_once_before_a_lease_lapses() -> None:
    assert EXTEND_SECONDS + EXTENDING_TIMEOUT_SECONDS < LEASED_SECONDS
