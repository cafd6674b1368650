"""What one person may still have: a decision over their usage as read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.charge import MAX_CREDITS, Charge
from shared.ports import DELETE, SERVER_TIME
from shared.stored_size import MAX_DOCUMENT_BYTES, document_bytes
from shared.usage import (
    KEPT_DAYS,
    MAX_CONCURRENT,
    RECONCILE_AFTER,
    Limits,
    QuotaExceeded,
    Reservation,
    Usage,
)

NOW = datetime(2026, 11, 23, 23, 59, 30, tzinfo=UTC)
TODAY, YESTERDAY = "2026-11-23", "2026-11-22"
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
LIMITS = Limits(concurrent=2, daily_credits=100)


def reserve(usage: Usage, amount: int = 10, name: str = "new", **changed: Any) -> Reservation:
    return usage.reserve(name, amount, **{"server_now": NOW, "limits": LIMITS, **changed})


def refused(usage: Usage, amount: int = 10, **changed: Any) -> dict[str, Any]:
    with pytest.raises(QuotaExceeded) as caught:
        reserve(usage, amount, **changed)
    document: dict[str, Any] = caught.value.to_document()
    assert (document["code"], document["retryable"]) == ("quota_exceeded", False)
    return document


def held(amount: int = 10, day: str = TODAY) -> Charge:
    return Charge(credits=amount, day=day)


def test_the_first_reservation_tells_all_there_is_to_know() -> None:
    reservation = reserve(Usage())
    assert reservation.charge == held()
    assert reservation.usage == {
        "spent": {TODAY: 10},
        "reserved": {"new": {"credits": 10, "day": TODAY}},
        "limits": {"concurrent": 2, "daily_credits": 100},
        "renews_at": MIDNIGHT,
        "updated_at": SERVER_TIME,
        "reconcile_after": NOW + RECONCILE_AFTER,
    }


def test_what_is_written_is_read_again() -> None:
    written = reserve(Usage(spent={TODAY: 7}, reserved={"old": held(7)})).usage
    usage = Usage.from_document(written)
    assert usage.spent == {TODAY: 17}
    assert usage.reserved == {"old": held(7), "new": held(10)}
    assert usage.reconcile_after == NOW + RECONCILE_AFTER
    # It is looked for what is left at that time, not an hour after the last of many.
    assert "reconcile_after" not in reserve(usage, name="third", limits=Limits()).usage


def test_the_last_credit_of_the_day_may_be_used_and_none_after_it() -> None:
    assert reserve(Usage(spent={TODAY: 90})).usage["spent"] == {TODAY: 100}
    error = refused(Usage(spent={TODAY: 91}))
    assert error["message"] == (
        "This takes 10 credits, and 9 of today's 100 are left; there are new ones from "
        "2026-11-24 00:00 UTC on."
    )
    assert error["quota"] == {
        "limit": "daily_credits",
        "allowed": 100,
        "left": 9,
        "needed": 10,
        "renews_at": MIDNIGHT,
    }


def test_at_midnight_of_the_server_there_are_new_credits() -> None:
    full = Usage(spent={TODAY: 100})
    refused(full)
    reservation = reserve(full, server_now=MIDNIGHT)
    assert reservation.charge.day == "2026-11-24"
    assert reservation.usage["spent"] == {TODAY: 100, "2026-11-24": 10}
    assert reservation.usage["renews_at"] == MIDNIGHT + timedelta(days=1)


def test_yesterday_s_generations_take_places_today_but_no_credits_of_today() -> None:
    late = Usage(spent={YESTERDAY: 100}, reserved={"a": held(50, YESTERDAY)})
    assert reserve(late).usage["spent"] == {YESTERDAY: 100, TODAY: 10}
    both = Usage(reserved={"a": held(50, YESTERDAY), "b": held(50, YESTERDAY)})
    assert refused(both)["quota"]["limit"] == "concurrent"


def test_as_many_as_allowed_may_be_in_the_making_and_no_more() -> None:
    reserve(Usage(reserved={"a": held(1)}))
    error = refused(Usage(reserved={"a": held(1), "b": held(1)}))
    assert error["message"] == (
        "2 of your generations are in the making, and 2 is the most at once: ask again when one of "
        "them has ended."
    )
    assert error["quota"] == {"limit": "concurrent", "allowed": 2, "left": 0, "needed": 1}


def test_what_never_fits_says_so_and_not_that_one_should_wait() -> None:
    full = Usage(reserved={"a": held(1), "b": held(1)})
    error = refused(full, 101)
    assert "a whole day has 100: ask for fewer" in error["message"]
    assert (error["quota"]["needed"], error["quota"]["allowed"]) == (101, 100)


def test_an_id_that_is_still_reserved_is_given_back_before_it_is_reserved_anew() -> None:
    usage = Usage(spent={TODAY: 30, YESTERDAY: 50}, reserved={"new": held(20, YESTERDAY)})
    written = reserve(usage, limits=Limits(concurrent=1, daily_credits=40)).usage
    assert written["spent"] == {TODAY: 40, YESTERDAY: 30}
    assert written["reserved"] == {"new": {"credits": 10, "day": TODAY}}


@pytest.mark.parametrize(
    ("refunded", "left"),
    [
        ({}, 100),
        ({TODAY: 100}, 100),
        ({TODAY: 101}, 99),
        ({TODAY: 250}, 0),
        ({YESTERDAY: 250}, 100),
    ],
)
def test_above_a_day_s_credits_nothing_is_given_back(refunded: dict[str, int], left: int) -> None:
    usage = Usage(refunded=refunded)
    if left:
        reserve(usage, left)
    if left < 100:
        assert refused(usage, left + 1)["quota"]["left"] == left


def test_what_was_given_back_more_than_a_week_ago_is_forgotten() -> None:
    written = reserve(Usage(refunded={TODAY: 5, "2026-11-16": 7})).usage
    assert written["refunded"] == {TODAY: 5}
    assert Usage.from_document({**written, "refunded": {TODAY: 5, "x": "y"}}).refunded == {TODAY: 5}


def test_days_of_more_than_a_week_ago_are_forgotten() -> None:
    days = [(NOW - timedelta(days=age)).date().isoformat() for age in range(KEPT_DAYS + 2)]
    written = reserve(Usage(spent=dict.fromkeys(days, 1))).usage
    assert sorted(written["spent"], reverse=True) == days[:KEPT_DAYS]


def test_spent_that_an_administrator_made_negative_is_no_credit() -> None:
    assert reserve(Usage(spent={TODAY: -50})).usage["spent"] == {TODAY: 10}
    refused(Usage(spent={TODAY: -50}), 101)


@pytest.mark.parametrize(
    ("granted", "concurrent", "daily"),
    [
        ({"daily_credits": 1000}, 2, 1000),
        ({"concurrent": 5}, 5, 100),
        ({"concurrent": 1, "daily_credits": 10, "other": "x"}, 1, 10),
        ({"daily_credits": 0}, 2, 100),
        ({"daily_credits": "lots"}, 2, 100),
        ({"concurrent": MAX_CONCURRENT + 1}, 2, 100),
        (None, 2, 100),
        (7, 2, 100),
    ],
)
def test_what_an_administrator_grants_goes_before_the_deployment_s_limits(
    granted: object, concurrent: int, daily: int
) -> None:
    usage = Usage.from_document({"granted": granted})
    written = reserve(usage).usage
    assert written["limits"] == {"concurrent": concurrent, "daily_credits": daily}
    assert "granted" not in written


@pytest.mark.parametrize("data", [{}, {"spent": 5, "reserved": []}, {"reserved": {"a": 5}}])
def test_a_document_that_somebody_changed_is_read_as_far_as_it_goes(data: dict[str, Any]) -> None:
    assert Usage.from_document(data) == Usage()
    odd = {"spent": {TODAY: 5, "x": "y"}, "reserved": {"a": {"credits": -1, "day": TODAY}}}
    assert Usage.from_document(odd) == Usage(spent={TODAY: 5})


def test_what_is_reconciled_gives_back_what_is_gone_and_only_frees_what_is_settled() -> None:
    usage = Usage(
        spent={TODAY: 60, YESTERDAY: 20},
        reserved={"gone": held(20, YESTERDAY), "settled": held(30), "live": held(30)},
    )
    assert usage.reconciled({"gone"}, {"settled"}, server_now=NOW) == {
        "spent": {TODAY: 60, YESTERDAY: 0},
        "reserved": {"live": {"credits": 30, "day": TODAY}},
        "reconcile_after": NOW + RECONCILE_AFTER,
    }
    nothing_left = usage.reconciled({"gone", "live"}, {"settled"}, server_now=NOW)
    assert nothing_left["reconcile_after"] is DELETE


def test_as_many_reservations_as_can_be_allowed_fit_into_a_document() -> None:
    reserved = {f"{n:0128}": held(MAX_CREDITS) for n in range(MAX_CONCURRENT - 1)}
    limits = Limits(concurrent=MAX_CONCURRENT, daily_credits=MAX_CREDITS)
    written = reserve(Usage(reserved=reserved), limits=limits).usage
    assert document_bytes("users/" + "u" * 128 + "/account/usage", written) < MAX_DOCUMENT_BYTES / 2


@pytest.mark.parametrize("value", [0, -1, MAX_CREDITS + 1, True, 1.0, "5"])
@pytest.mark.parametrize("name", ["concurrent", "daily_credits"])
def test_limits_are_whole_numbers_of_their_range(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*; it must be a whole number, 1 to "):
        Limits(**{name: value})
