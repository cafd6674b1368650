"""Leases: fencing tokens only grow, and the holder stops trusting before anybody else may take."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lease import (
    FREE,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    MAX_LEASE_SECONDS,
    SAFETY_MARGIN_SECONDS,
    Lease,
    TrustWindow,
    first_token,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
LEASES = st.builds(
    Lease,
    token=st.integers(min_value=0, max_value=10**6),
    worker_id=st.none() | st.text(min_size=1, max_size=8),
    expires_at=st.none() | MOMENTS,
)


@given(LEASES)
def test_a_lease_that_is_written_reads_the_same_again(lease: Lease) -> None:
    assert Lease.from_document(lease.to_document()) == lease


@pytest.mark.parametrize("raw", [None, 5, "x", [], True])
def test_what_is_no_map_means_never_claimed(raw: object) -> None:
    assert Lease.from_document(raw) == FREE


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"token": "1", "worker_id": 5, "expires_at": "tomorrow"},
        {"token": True, "worker_id": None, "expires_at": 5},
        {"token": 1.0},
    ],
)
def test_fields_of_another_type_are_taken_as_absent(raw: dict[str, Any]) -> None:
    assert Lease.from_document(raw) == FREE


@given(LEASES, MOMENTS)
def test_every_claim_but_the_first_takes_the_next_token(lease: Lease, until: datetime) -> None:
    token = lease.token + 1 if lease.token else first_token(NOW)
    taken = lease.taken("b", server_now=NOW, expires_at=until)
    assert taken == Lease(token=token, worker_id="b", expires_at=until)


@given(st.integers(0, 100), st.timedeltas(timedelta(milliseconds=101), timedelta(days=9999)))
def test_a_second_document_of_an_id_begins_above_every_token_of_the_first(
    claims: int, later: timedelta
) -> None:
    lease = FREE.taken("a", server_now=NOW, expires_at=NOW)
    for _ in range(claims):
        lease = lease.taken("a", server_now=NOW, expires_at=NOW)
    second = FREE.taken("b", server_now=NOW + later, expires_at=NOW + later)
    assert second.token > lease.token
    assert Lease.from_document(second.to_document()) == second


@given(LEASES, MOMENTS)
def test_renewing_keeps_token_and_holder(lease: Lease, until: datetime) -> None:
    renewed = lease.renewed(until)
    assert (renewed.token, renewed.worker_id) == (lease.token, lease.worker_id)
    assert renewed.expires_at == until


@given(LEASES, MOMENTS)
def test_a_released_lease_is_held_by_nobody_and_keeps_its_token(
    lease: Lease, now: datetime
) -> None:
    released = lease.released()
    assert released.token == lease.token
    assert released.worker_id is None
    assert not released.held_at(now)


def test_a_lease_is_held_until_the_moment_it_expires() -> None:
    lease = FREE.taken("a", server_now=NOW - TICK, expires_at=NOW)
    assert lease.held_at(NOW - TICK)
    assert not lease.held_at(NOW)
    assert not lease.held_at(NOW + TICK)


def test_a_lease_that_was_never_taken_is_held_by_nobody() -> None:
    assert not FREE.held_at(NOW)


class TestTrustWindow:
    LEASE = timedelta(seconds=LEASE_SECONDS)

    def test_it_ends_a_safety_margin_before_the_lease_counted_from_the_start_of_the_write(
        self,
    ) -> None:
        window = TrustWindow.after(100.0, self.LEASE)
        assert window.ends == 100.0 + LEASE_SECONDS - SAFETY_MARGIN_SECONDS
        assert window.open_at(window.ends - 0.001)
        assert not window.open_at(window.ends)

    @given(started=st.floats(0, 1e6), there_seconds=st.floats(0, 60))
    def test_it_closes_before_the_server_lets_anybody_else_in_however_slow_the_way_there(
        self, started: float, there_seconds: float
    ) -> None:
        server_lets_go = started + there_seconds + LEASE_SECONDS
        assert not TrustWindow.after(started, self.LEASE).open_at(server_lets_go)

    def test_two_heartbeats_may_be_lost_before_it_closes(self) -> None:
        assert 3 * HEARTBEAT_SECONDS <= LEASE_SECONDS - SAFETY_MARGIN_SECONDS


def test_a_lease_that_no_worker_could_have_taken_holds_nothing() -> None:
    """An admin's slip must not keep a generation for ever."""
    longest = timedelta(seconds=MAX_LEASE_SECONDS)
    lease = Lease(token=1, worker_id="w", expires_at=NOW + longest)
    assert lease.held_at(NOW)
    assert not lease.held_at(NOW - TICK)
