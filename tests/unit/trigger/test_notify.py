"""Devices are told of an end once, whatever comes twice, late, or not at all."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.notice import CLAIM_SECONDS, MAX_WAIT_SECONDS, NEWS_SECONDS
from shared.paths import GenerationPath
from shared.ports import Rejected, Unavailable
from shared.serverless import Misconfigured
from shared.status import Status
from tests.unit.trigger.notifying import PATH, Phones
from trigger.notify import LOOK_DEVICES, MAX_DEVICES, SEND_SECONDS, Outcome
from trigger.overdue_notices import PATIENCE, RUN_SECONDS

EVENTS = 10
#: Until the sweep looks after a claim that lapsed.
LAPSE_SECONDS = CLAIM_SECONDS + PATIENCE.total_seconds()


class Killed(BaseException):
    """The process ends here; nothing handles it."""


def failing(error: BaseException, *tokens: str) -> Any:
    def fail(token: str) -> None:
        if token in tokens:
            raise error

    return fail


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_every_device_is_told_of_an_end_and_the_notice_is_gone(status: Status) -> None:
    phones = Phones("phone", "tablet")
    phones.end(status)
    assert phones.notify().outcome is Outcome.TOLD
    assert phones.told() == {"phone": ["g1"], "tablet": ["g1"]}
    (shown,) = phones.push.shown["phone"]
    assert shown.data == {"generation": "g1", "status": status.value, "kind": "image"}
    assert shown.seconds == NEWS_SECONDS
    assert phones.notice is None


def test_who_cancels_knows() -> None:
    phones = Phones("phone")
    phones.end(Status.CANCELLED)
    assert phones.notice is None
    assert phones.notify().outcome is Outcome.ALREADY_DONE
    assert phones.told() == {"phone": []}


def test_a_generation_that_was_accepted_without_notifications_leaves_no_notice() -> None:
    phones = Phones("phone")
    phones.end(notify=None)
    assert phones.notice is None


def test_events_that_come_again_tell_nobody_again() -> None:
    phones = Phones("phone")
    phones.end()
    outcomes = [phones.notify().outcome for _ in range(EVENTS)]
    assert outcomes == [Outcome.TOLD] + [Outcome.ALREADY_DONE] * (EVENTS - 1)
    assert phones.told() == {"phone": ["g1"]}


def test_of_ten_events_at_once_one_tells() -> None:
    phones = Phones("phone", "tablet")
    phones.end()
    together = threading.Barrier(EVENTS)

    def event(_: int) -> Outcome:
        together.wait()
        return phones.notify().outcome

    with ThreadPoolExecutor(EVENTS) as pool:
        outcomes = list(pool.map(event, range(EVENTS)))
    assert outcomes.count(Outcome.TOLD) == 1
    assert set(outcomes) <= {Outcome.TOLD, Outcome.HELD, Outcome.ALREADY_DONE}
    assert phones.told() == {"phone": ["g1"], "tablet": ["g1"]}


def test_an_event_that_comes_while_another_one_tells_leaves_it_to_that() -> None:
    phones = Phones("phone")
    phones.end()
    within: list[Outcome] = []

    def again(_: str) -> None:
        phones.push.before = lambda _: None
        within.append(phones.notify().outcome)
        within.extend([Outcome(name) for name in phones.sweep().counts])

    phones.push.before = again
    assert phones.notify().outcome is Outcome.TOLD
    assert within == [Outcome.HELD]
    assert phones.told() == {"phone": ["g1"]}


def test_a_lost_event_is_made_good_by_the_sweep() -> None:
    phones = Phones("phone")
    phones.end()
    assert phones.sweep().counts == {}
    phones.clock.advance(PATIENCE.total_seconds())
    assert phones.sweep().counts == {"told": 1}
    assert phones.sweep().counts == {}
    assert phones.told() == {"phone": ["g1"]}


def test_one_that_dies_while_it_tells_is_replaced_when_its_claim_has_lapsed() -> None:
    phones = Phones("tablet", "phone")
    phones.end()
    phones.push.before = failing(Killed(), "phone")
    with pytest.raises(Killed):
        phones.notify()
    phones.push.before = lambda _: None
    assert phones.notify().outcome is Outcome.HELD
    phones.clock.advance(LAPSE_SECONDS - 1)
    assert phones.sweep().counts == {}
    phones.clock.advance(1)
    assert phones.sweep().counts == {"told": 1}
    # Told before the death and after it, under one tag: the second takes the first one's place.
    assert phones.told() == {"tablet": ["g1", "g1"], "phone": ["g1"]}


def test_whom_the_service_could_not_be_reached_for_is_told_later_and_the_others_once() -> None:
    phones = Phones("phone", "tablet")
    phones.end()
    phones.push.before = failing(Unavailable("FCM is away"), "tablet")
    done = phones.notify()
    assert (done.outcome, done.told, done.waiting) == (Outcome.POSTPONED, 1, 1)
    assert phones.notify().outcome is Outcome.HELD
    phones.push.before = lambda _: None
    phones.clock.advance(LAPSE_SECONDS)
    assert phones.sweep().counts == {"told": 1}
    assert phones.told() == {"phone": ["g1"], "tablet": ["g1"]}
    assert phones.notice is None


def test_a_service_that_stays_away_is_asked_less_and_less_and_given_up_after_a_day() -> None:
    phones = Phones("phone")
    phones.end()
    asked: list[float] = []

    def away(_: str) -> None:
        asked.append(phones.clock.monotonic())
        raise Unavailable("FCM is away")

    phones.push.before = away
    phones.notify()
    outcomes: list[str] = []
    while phones.notice is not None:
        phones.clock.advance(60)
        outcomes.extend(phones.sweep().counts)
    assert outcomes[-1] == "too_old"
    assert set(outcomes[:-1]) == {"postponed"}
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 120
    assert MAX_WAIT_SECONDS <= pauses[-1] <= MAX_WAIT_SECONDS + 60
    assert len(asked) < 60


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


def test_what_an_operator_has_to_mend_keeps_nobody_else_from_being_told() -> None:
    phones = Phones("android", "ios")
    phones.end()
    phones.push.before = failing(Misconfigured("FCM has no key for APNs"), "ios")
    with pytest.raises(Misconfigured, match="no key for APNs"):
        phones.notify()
    assert phones.told() == {"android": ["g1"], "ios": []}
    phones.clock.advance(LAPSE_SECONDS)
    assert phones.sweep().faults == [PATH.notice]
    phones.push.before = lambda _: None
    phones.clock.advance(LAPSE_SECONDS * 2)
    assert phones.sweep().counts == {"told": 1}
    assert phones.told() == {"android": ["g1"], "ios": ["g1"]}


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


def test_a_generation_that_was_deleted_meanwhile_is_no_news() -> None:
    phones = Phones("phone")
    phones.end()
    phones.documents.delete(str(PATH))
    assert phones.notify().outcome is Outcome.NO_NEWS
    assert phones.told() == {"phone": []}
    assert phones.notice is None


def test_an_id_that_is_used_again_tells_of_its_second_life() -> None:
    phones = Phones("phone", "tablet")
    phones.end()
    phones.push.before = failing(Unavailable("FCM is away"), "tablet")
    phones.notify()
    phones.push.before = lambda _: None
    phones.documents.delete(str(PATH))
    phones.clock.advance(1)
    phones.end(Status.FAILED)
    # The first one's notice is still there, so that no event comes of the second's.
    phones.clock.advance(PATIENCE.total_seconds())
    phones.sweep()
    assert phones.told() == {"phone": ["g1", "g1"], "tablet": ["g1"]}
    assert [it.data["status"] for it in phones.push.shown["tablet"]] == ["failed"]
    assert phones.notice is None


def test_an_end_that_comes_while_an_earlier_one_of_its_id_is_told_is_told_too() -> None:
    phones = Phones("phone")
    phones.end()

    def again(_: str) -> None:
        phones.push.before = lambda _: None
        phones.documents.delete(str(PATH))
        phones.end(Status.FAILED)

    phones.push.before = again
    phones.notify()
    phones.clock.advance(PATIENCE.total_seconds())
    phones.sweep()
    assert [it.data["status"] for it in phones.push.shown["phone"]] == ["completed", "failed"]


class Forgetful(InMemoryDocuments):
    """Its replies to updates of notices are lost: what was written looks like somebody else's."""

    def update(self, path: str, *args: Any, **kwargs: Any) -> Any:
        written = super().update(path, *args, **kwargs)
        if GenerationPath.of_notice(path):
            return super().update(path, *args, **kwargs)
        return written


def test_a_claim_whose_reply_was_lost_is_told_by_the_sweep() -> None:
    phones = Phones("phone", documents=Forgetful())
    phones.end()
    assert phones.notify().outcome is Outcome.HELD
    assert phones.told() == {"phone": []}


def test_a_run_begins_nothing_after_its_time_and_the_next_one_goes_on() -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())
    phones.push.before = lambda _: phones.clock.advance(RUN_SECONDS / 2)
    assert phones.sweep().counts == {"told": 2}
    phones.clock.advance(60)
    assert phones.sweep().counts == {"told": 1}
    assert phones.told() == {"phone": ["g0", "g1", "g2"]}


def test_what_has_the_name_of_a_notice_and_is_none_of_ours_is_passed_by() -> None:
    phones = Phones("phone")
    now = phones.clock.now()
    phones.documents.create("shops/one/notices/g1", {"again_after": now})
    phones.documents.create("users/ann/notices/with space", {"again_after": now})
    phones.end()
    phones.clock.advance(PATIENCE.total_seconds())
    run = phones.sweep()
    assert (run.counts, run.faults) == ({"told": 1}, [])
    assert phones.documents.read("shops/one/notices/g1") is not None


def test_one_notice_that_cannot_be_told_stops_no_other_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())
    errors: list[Exception] = [ValueError("phone:APA91b")]

    def once(_: str) -> None:
        if errors:
            raise errors.pop()

    phones.push.before = once
    run = phones.sweep()
    assert (run.counts, run.faults) == ({"told": 2}, ["users/ann/notices/g0"])
    assert "APA91b" not in str([vars(record) for record in caplog.records])


def test_a_database_that_is_away_ends_the_run() -> None:
    phones = Phones("phone")
    for n in range(3):
        phones.end(path=GenerationPath(uid="ann", generation_id=f"g{n}"))
    phones.clock.advance(PATIENCE.total_seconds())

    class Away(InMemoryDocuments):
        def read(self, path: str) -> Any:
            raise Unavailable(path)

    phones.notifier = type(phones.notifier)(
        documents=Away(),
        search=phones.documents,
        notices=phones.notices,
        push=phones.push,
        clock=phones.clock,
        wording=phones.notifier.wording,
    )
    assert phones.sweep().faults == ["users/ann/notices/g0"]
