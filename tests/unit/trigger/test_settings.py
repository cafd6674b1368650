"""What people may ask for and have, from the environment."""

import pytest

from shared.errors import GenerationError, WrongSetting
from shared.usage import CONCURRENT, DAILY_CREDITS, Limits
from trigger.settings import admission_from, limits_from


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
    with pytest.raises(WrongSetting, match="EMBERFRAME_CONCURRENT_GENERATIONS is"):
        limits_from({"EMBERFRAME_CONCURRENT_GENERATIONS": value})


@pytest.mark.parametrize("switch", ["no", "OFF", "0"])
def test_a_switch_that_is_neither_is_not_taken_for_either(switch: str) -> None:
    with pytest.raises(WrongSetting, match="it must be on or off"):
        limits_from({"EMBERFRAME_QUOTAS": switch})


def test_a_wrong_limit_is_named_even_while_quotas_are_off() -> None:
    with pytest.raises(WrongSetting, match="EMBERFRAME_DAILY_CREDITS"):
        limits_from({"EMBERFRAME_QUOTAS": "off", "EMBERFRAME_DAILY_CREDITS": "x"})


def test_what_requests_are_taken_is_a_setting() -> None:
    assert admission_from({}).max_images == 2
    admission = admission_from({"EMBERFRAME_MAX_IMAGES": "4", "EMBERFRAME_BLOCKED_TERMS": "green"})
    assert admission.max_images == 4
    with pytest.raises(GenerationError, match="green"):
        admission.prompts.check("a green dog")


@pytest.mark.parametrize("value", ["0", "17", "two"])
def test_a_wrong_number_of_images_is_named_with_what_it_must_be(value: str) -> None:
    with pytest.raises(WrongSetting, match=f"EMBERFRAME_MAX_IMAGES is '{value}'; .* from 1 to 16"):
        admission_from({"EMBERFRAME_MAX_IMAGES": value})


def test_a_wrong_term_is_named() -> None:
    with pytest.raises(WrongSetting, match="EMBERFRAME_BLOCKED_TERMS: a blocked term is '!!'"):
        admission_from({"EMBERFRAME_BLOCKED_TERMS": "green, !!"})
