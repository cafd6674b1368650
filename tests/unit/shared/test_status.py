"""The status table: every pair is either allowed or refused, and ends are ends."""

from itertools import product

import pytest

from shared.status import ALLOWED, IllegalTransition, Status, check_transition

#: The table once more, in words; a change of the contract changes it in two places on purpose.
MOVES = {
    "pending": {"queued", "failed", "cancelled"},
    "queued": {"processing", "failed", "cancelled"},
    "processing": {"processing", "queued", "completed", "failed", "cancelled"},
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize(("current", "new"), list(product(Status, Status)))
def test_a_move_is_allowed_exactly_if_the_contract_has_it(current: Status, new: Status) -> None:
    if new.value in MOVES[current.value]:
        check_transition(current, new)
    else:
        with pytest.raises(IllegalTransition, match=f"{current} cannot become {new}; allowed: "):
            check_transition(current, new)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_terminal_exactly_if_nothing_follows(status: Status) -> None:
    assert status.terminal is (status.value in {"completed", "failed", "cancelled"})


def test_every_status_has_its_row() -> None:
    assert set(ALLOWED) == set(Status)


@pytest.mark.parametrize("status", [status for status in Status if not status.terminal])
def test_every_open_status_can_end(status: Status) -> None:
    assert {Status.FAILED, Status.CANCELLED} <= ALLOWED[status]


def test_only_a_worker_completes() -> None:
    assert [status for status in Status if Status.COMPLETED in ALLOWED[status]] == ["processing"]


def test_nothing_becomes_pending_again() -> None:
    assert not any(Status.PENDING in following for following in ALLOWED.values())


def test_a_refusal_says_that_an_end_is_final() -> None:
    with pytest.raises(IllegalTransition, match="allowed: nothing, it is final"):
        check_transition(Status.COMPLETED, Status.QUEUED)
