"""The numbers of `gpu_worker.intake.subscription` fit each other, and it keeps to them."""

import socket
import threading

import pytest

from gpu_worker.adapters.pubsub import subscriber_client
from gpu_worker.intake import subscription
from gpu_worker.intake.subscription import (
    ANSWER_SECONDS,
    EXTEND_SECONDS,
    EXTENDING_TIMEOUT_SECONDS,
    LEASED_SECONDS,
    PULL_SECONDS,
    WHILE_LEASED,
    Received,
    Subscription,
)
from gpu_worker.pulse import STUCK_LOOKS
from tests.unit.intake.pubsub_server import NAME
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS


def test_a_dead_worker_s_pull_is_over_before_its_messages_are_delivered_again() -> None:
    assert PULL_SECONDS < LEASED_SECONDS - EXTEND_SECONDS


def test_an_extension_may_fail_once_before_a_lease_lapses() -> None:
    assert EXTEND_SECONDS + EXTENDING_TIMEOUT_SECONDS < LEASED_SECONDS


def test_who_asks_for_messages_is_not_taken_for_stuck_while_one_is_given_back() -> None:
    """Its last try may begin when the time for tries is nearly over."""
    assert LEASED_SECONDS + ANSWER_SECONDS < STUCK_LOOKS / 2


def test_a_message_is_not_given_back_for_longer_than_it_is_leased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscription, "WHILE_LEASED", WHILE_LEASED.with_timeout(0.3))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        with subscriber_client(f"127.0.0.1:{nobody.getsockname()[1]}") as subscriber:
            asked = Subscription(subscriber, NAME)
            giving = threading.Thread(target=asked.let_go, args=(Received("a", b""), 0.0))
            giving.start()
            giving.join(TIMEOUT_SECONDS)
            assert not giving.is_alive()
