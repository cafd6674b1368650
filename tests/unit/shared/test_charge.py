"""A generation's charge: reserved once, settled once, and what that changes in usage."""

from typing import Any

import pytest

from shared.charge import MAX_CREDITS, Charge, ChargeState
from shared.document import Generation
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.kinds import Kind
from shared.paths import GenerationPath, usage_owner
from shared.ports import Adjustment
from shared.status import Status

PATH = GenerationPath(uid="ann", generation_id="g1")
HELD = {"credits": 10, "day": "2026-11-23", "state": "reserved"}
FAULT = GenerationError(ErrorCode.INTERNAL, "No.")


def generation(status: Status = Status.PROCESSING, charge: Any = HELD) -> Generation:
    data = {"status": status.value, "input": {"prompt": "x"}, "charge": charge}
    return Generation.from_document(PATH, data)


def test_a_charge_is_read_as_it_was_written() -> None:
    charge = Charge.from_document(HELD)
    assert charge == Charge(credits=10, day="2026-11-23", state=ChargeState.RESERVED)
    assert charge.to_document() == HELD


@pytest.mark.parametrize(
    "changed",
    [
        {"credits": 0},
        {"credits": -5},
        {"credits": True},
        {"credits": 1.5},
        {"credits": MAX_CREDITS + 1},
        {"day": "today"},
        {"day": None},
        {"state": "paid"},
        {"state": None},
    ],
)
def test_what_the_server_did_not_write_is_no_charge(changed: dict[str, Any]) -> None:
    assert Charge.from_document({**HELD, **changed}) is None


@pytest.mark.parametrize("raw", [None, 10, "reserved", []])
def test_what_is_no_map_is_no_charge(raw: object) -> None:
    assert Charge.from_document(raw) is None


def test_a_completed_generation_keeps_its_credits_and_frees_its_place() -> None:
    done = generation()
    changes = done.to_completed({}, {}, {})
    assert changes["charge"] == {**HELD, "state": "spent"}
    assert done.beside(changes) == (
        Adjustment(path="users/ann/account/usage", add={}, remove=(("reserved", "g1"),)),
    )


@pytest.mark.parametrize("end", [Generation.to_cancelled, lambda it: it.to_failed(FAULT)])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING])
def test_one_that_fails_or_is_cancelled_gives_them_back_to_the_day_they_were_of(
    end: Any, status: Status
) -> None:
    it = generation(status)
    changes = end(it)
    assert changes["charge"] == {**HELD, "state": "refunded"}
    assert it.beside(changes) == (
        Adjustment(
            path="users/ann/account/usage",
            add={("spent", "2026-11-23"): -10, ("refunded", "2026-11-23"): 10},
            remove=(("reserved", "g1"),),
        ),
    )


@pytest.mark.parametrize("changes", [{"progress": {}}, {"status": "queued"}, {"charge": HELD}])
def test_what_does_not_end_it_settles_nothing(changes: dict[str, Any]) -> None:
    assert generation().beside(changes) == ()


def test_a_retry_keeps_the_reservation() -> None:
    it = generation()
    changes = it.to_retry(FAULT)
    assert "charge" not in changes
    assert it.beside(changes) == ()


@pytest.mark.parametrize(
    "charge", [None, {**HELD, "state": "spent"}, {**HELD, "state": "refunded"}]
)
def test_what_holds_nothing_settles_nothing(charge: Any) -> None:
    it = generation(charge=charge)
    changes = it.to_cancelled()
    assert "charge" not in changes
    assert it.beside(changes) == ()


def test_before_its_acceptance_nothing_is_reserved_whatever_stands_there() -> None:
    it = generation(Status.PENDING)
    assert it.charge is None
    assert "charge" not in it.to_cancelled()


def test_an_accepted_generation_says_what_it_costs() -> None:
    charge = Charge(credits=10, day="2026-11-23")
    it = generation(Status.PENDING, charge=None)
    changes = it.to_queued(Kind.IMAGE, charge)
    assert changes["charge"] == HELD
    assert it.beside(changes) == ()
    assert "charge" not in it.to_queued(Kind.IMAGE)


def test_usage_lies_with_its_owner() -> None:
    assert PATH.usage == "users/ann/account/usage"
    assert usage_owner(PATH.usage) == "ann"
    for other in ("users/ann/account/settings", "users/ann/account", "a/b/account/usage", ""):
        assert usage_owner(other) is None


def test_a_status_of_nobody_s_is_still_none_with_a_charge() -> None:
    with pytest.raises(InvalidInput):
        Generation.from_document(PATH, {"status": "zzz", "charge": HELD})
