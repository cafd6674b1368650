"""What people may have, from the environment."""

import pytest

from shared.usage import CONCURRENT, DAILY_CREDITS, Limits
from trigger.limits import limits_from


@pytest.mark.parametrize(
    "environment", [{}, {"EMBERFRAME_QUOTAS": "on"}, {"EMBERFRAME_QUOTAS": ""}]
)
def test_quotas_are_on_unless_somebody_turns_them_off(environment: dict[str, str]) -> None:
    assert limits_from(environment) == Limits(concurrent=CONCURRENT, daily_credits=DAILY_CREDITS)


def test_they_can_be_turned_off() -> None:
    assert limits_from({"EMBERFRAME_QUOTAS": "off"}) is None


def test_each_limit_has_a_variable_and_an_empty_one_counts_as_not_set() -> None:
    given = {"EMBERFRAME_CONCURRENT_GENERATIONS": "3", "EMBERFRAME_DAILY_CREDITS": ""}
    assert limits_from(given) == Limits(concurrent=3)
    assert limits_from({"EMBERFRAME_DAILY_CREDITS": "500"}) == Limits(daily_credits=500)


@pytest.mark.parametrize("value", ["0", "-1", "1001", "ten", "1.5", " 1_0 ", "٣"])
def test_a_wrong_limit_is_named_with_what_it_must_be(value: str) -> None:
    with pytest.raises(ValueError, match="EMBERFRAME_CONCURRENT_GENERATIONS is"):
        limits_from({"EMBERFRAME_CONCURRENT_GENERATIONS": value})


@pytest.mark.parametrize("switch", ["no", "OFF", "0"])
def test_a_switch_that_is_neither_is_not_taken_for_either(switch: str) -> None:
    with pytest.raises(ValueError, match="it must be on or off"):
        limits_from({"EMBERFRAME_QUOTAS": switch})


def test_a_wrong_limit_is_named_even_while_quotas_are_off() -> None:
    with pytest.raises(ValueError, match="EMBERFRAME_DAILY_CREDITS"):
        limits_from({"EMBERFRAME_QUOTAS": "off", "EMBERFRAME_DAILY_CREDITS": "x"})
