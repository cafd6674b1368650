"""Notifications are off unless switched on; credentials go to Google alone."""

import pytest

from shared.errors import WrongSetting
from trigger.notification_settings import (
    DOUBLE_VARIABLE,
    EMULATED_VARIABLE,
    Wording,
    double_from,
    is_on,
    wording_from,
)

EMULATED = {EMULATED_VARIABLE: "127.0.0.1:8080"}


@pytest.mark.parametrize(
    ("value", "on"), [(None, False), ("", False), ("off", False), ("on", True)]
)
def test_they_are_off_unless_switched_on(value: str | None, on: bool) -> None:
    assert is_on({} if value is None else {"EMBERFRAME_NOTIFICATIONS": value}) is on


@pytest.mark.parametrize("value", ["true", "ON", "1", " on"])
def test_a_switch_that_is_neither_says_what_it_must_be(value: str) -> None:
    with pytest.raises(WrongSetting, match=r"EMBERFRAME_NOTIFICATIONS is .*; it must be off or on"):
        is_on({"EMBERFRAME_NOTIFICATIONS": value})


def test_texts_are_plain_and_without_pictures_unless_wanted() -> None:
    assert wording_from({}) == Wording(by_key=False, images=False)
    wanted = {"EMBERFRAME_NOTIFICATION_TEXTS": "keys", "EMBERFRAME_NOTIFICATION_IMAGES": "on"}
    assert wording_from(wanted) == Wording(by_key=True, images=True)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("EMBERFRAME_NOTIFICATION_TEXTS", "it must be plain or keys"),
        ("EMBERFRAME_NOTIFICATION_IMAGES", "it must be off or on"),
    ],
)
def test_a_wrong_wording_says_what_it_must_be(name: str, sentence: str) -> None:
    with pytest.raises(WrongSetting, match=f"{name} is 'x'; {sentence}"):
        wording_from({name: "x"})


def test_in_production_it_is_google_s_own_address_and_no_setting_changes_that() -> None:
    assert double_from({}) is None
    assert double_from({EMULATED_VARIABLE: "", DOUBLE_VARIABLE: ""}) is None
    for host in ("127.0.0.1:9000", "attacker.example:443", "https://attacker.example"):
        with pytest.raises(WrongSetting, match="must not be set where FIRESTORE_EMULATOR_HOST"):
            double_from({DOUBLE_VARIABLE: host})


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost:9000", "[::1]:9000"])
def test_on_the_emulators_it_is_a_double_on_this_machine(host: str) -> None:
    assert double_from({**EMULATED, DOUBLE_VARIABLE: host}) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:9000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "localhost:9000/path",
        "me@localhost:9000", "localhost:9000@attacker.example:1", "https://localhost:9000",
        "localhost:9000?x", "[::1", "127.0.0.1:70000", "10.0.0.1:9000",
    ],
)  # fmt: skip
def test_a_double_elsewhere_is_refused(host: str) -> None:
    with pytest.raises(WrongSetting, match="it must be host:port on this machine"):
        double_from({**EMULATED, DOUBLE_VARIABLE: host})


def test_emulators_without_a_double_never_reach_google() -> None:
    with pytest.raises(WrongSetting, match="the emulators, which have no FCM"):
        double_from(EMULATED)
