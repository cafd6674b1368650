"""`wait_until`: looks until something is so, somebody says that it will not be, or time is up."""

import time

import pytest

from tools.stack.failure import StackError
from tools.stack.waiting import wait_until


def far_off() -> float:
    return time.monotonic() + 30


def test_it_looks_until_what_it_waits_for_is_so() -> None:
    looks = iter([False, False, True])
    checks: list[None] = []
    assert wait_until(lambda: next(looks), deadline=far_off(), check=lambda: checks.append(None))
    assert list(looks) == []
    assert len(checks) == 2


def test_it_ends_at_its_deadline() -> None:
    assert not wait_until(lambda: False, deadline=time.monotonic(), check=lambda: None)


def test_it_ends_at_once_when_waiting_has_become_pointless() -> None:
    def fail() -> None:
        raise StackError("It has ended.")

    with pytest.raises(StackError, match="It has ended"):
        wait_until(lambda: False, deadline=far_off(), check=fail)
