"""Which of a person's devices are told, and which are forgotten."""

import logging

import pytest

from shared.ports import Rejected, Unavailable
from shared.serverless import Misconfigured
from tests.unit.trigger.notifying import Phones, failing
from trigger.notify import LOOK_DEVICES, MAX_DEVICES, SEND_SECONDS, Outcome


def test_stale_tokens_are_forgotten_and_no_others() -> None:
    phones = Phones("phone")
    phones.note("sold", token="of-nobody")
    phones.note("other", token="of-nobody-2", uid="bob")
    phones.end()
    done = phones.notify()
    assert (done.outcome, done.told, done.stale) == (Outcome.TOLD, 1, 1)
    assert phones.devices() == ["phone"]
    assert phones.documents.read("users/bob/devices/other") is not None


@pytest.mark.parametrize(
    "error", [Unavailable("HTTP 429"), Rejected("SENDER_ID_MISMATCH"), Misconfigured("HTTP 401")]
)
def test_no_other_fault_makes_a_token_stale(error: Exception) -> None:
    phones = Phones("phone")
    phones.end()
    phones.push.before = failing(error, "phone")
    if isinstance(error, Misconfigured):
        with pytest.raises(Misconfigured):
            phones.notify()
    else:
        phones.notify()
    assert phones.devices() == ["phone"]


def test_an_app_that_notes_a_new_token_while_the_old_one_is_found_stale_keeps_it() -> None:
    phones = Phones()
    path = phones.note("phone", token="old")
    phones.end()

    def renewed(_: str) -> None:
        before = phones.documents.read(path)
        assert before is not None
        phones.documents.update(path, {"token": "new"}, expected=before.version)

    phones.push.before = renewed
    assert phones.notify().stale == 1
    assert [it.token for it in phones.notices.devices("ann", limit=5)] == ["new"]


def test_what_the_service_never_takes_is_not_tried_again_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    phones = Phones("phone", "tablet")
    phones.end()
    phones.push.before = failing(Rejected("FCM: SENDER_ID_MISMATCH"), "phone")
    done = phones.notify()
    assert (done.outcome, done.told, done.refused) == (Outcome.TOLD, 1, 1)
    assert phones.notice is None
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert vars(line)["fields"]["reason"] == "FCM: SENDER_ID_MISMATCH"
    assert vars(line)["fields"]["device"] == "users/ann/devices/phone"


def test_a_person_without_devices_costs_a_look_and_nothing_is_claimed() -> None:
    phones = Phones()
    phones.end()
    assert phones.notify().outcome is Outcome.NO_DEVICES
    assert phones.notice is None


def test_one_device_under_two_names_is_told_once_and_keeps_the_newer() -> None:
    phones = Phones("phone")
    phones.note("before-it-was-wiped", token="phone", age=60)
    phones.end()
    assert phones.notify().told == 1
    assert phones.told() == {"phone": ["g1"]}
    assert phones.devices() == ["phone"]


def test_of_very_many_devices_the_newest_are_told_and_what_was_looked_at_beside_is_forgotten() -> (
    None
):
    phones = Phones()
    names = [f"d{n:02}" for n in range(LOOK_DEVICES + 5)]
    phones.push.shown.update({name: [] for name in names})
    for age, name in enumerate(names):
        phones.note(name, age=age)
    phones.end()
    assert phones.notify().told == MAX_DEVICES
    assert [name for name, tags in phones.told().items() if tags] == names[:MAX_DEVICES]
    assert phones.devices() == [*names[:MAX_DEVICES], *names[LOOK_DEVICES:]]


def test_no_message_begins_after_the_time_for_all_of_them() -> None:
    phones = Phones("a", "b", "c")
    phones.end()

    def slow(_: str) -> None:
        phones.clock.advance(SEND_SECONDS / 2)

    phones.push.before = slow
    done = phones.notify()
    assert (done.outcome, done.told, done.waiting) == (Outcome.POSTPONED, 2, 1)
