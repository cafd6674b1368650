"""A document's `dispatch` as it is read and written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.dispatched import FRESH_SECONDS, Dispatched
from shared.lease import Lease
from shared.sweeping import QUEUED_SECONDS

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
JOB = Dispatched(endpoint="pictures-1", job_id="5d1c6e6c-u1", at=NOW, token=7)


def test_what_is_written_is_read_again() -> None:
    assert Dispatched.from_document(JOB.to_document()) == JOB


@pytest.mark.parametrize(
    "spoilt",
    [
        {"endpoint": None},
        {"endpoint": "../v1/pods"},
        {"endpoint": "a/b"},
        {"job_id": ""},
        {"job_id": "x" * 129},
        {"job_id": ".."},
        {"job_id": 5},
        {"job_id": "a?b"},
        {"at": "now"},
        {"at": None},
    ],
)
def test_what_could_lead_elsewhere_in_an_address_counts_as_no_job(spoilt: dict[str, Any]) -> None:
    assert Dispatched.from_document({**JOB.to_document(), **spoilt}) is None


@pytest.mark.parametrize("raw", [None, "job", [], 5, {}])
def test_what_is_no_dispatch_at_all_is_none(raw: object) -> None:
    assert Dispatched.from_document(raw) is None


@pytest.mark.parametrize("token", [None, "7", -1, 2**60, True])
def test_a_token_that_cannot_be_read_is_below_every_claim(token: object) -> None:
    read = Dispatched.from_document({**JOB.to_document(), "token": token})
    assert read is not None
    assert read.claimed(Lease(token=1, worker_id=None, expires_at=None))


def test_a_greater_token_says_that_somebody_claimed_it_since() -> None:
    same, next_ = (Lease(token=token, worker_id=None, expires_at=None) for token in (7, 8))
    assert not JOB.claimed(same)
    assert JOB.claimed(next_)


def test_it_is_fresh_for_less_than_the_sweep_s_patience() -> None:
    assert JOB.fresh_at(NOW + timedelta(seconds=FRESH_SECONDS - 0.001))
    assert not JOB.fresh_at(NOW + timedelta(seconds=FRESH_SECONDS))
    assert FRESH_SECONDS < QUEUED_SECONDS
