"""Devices are told of an end once, whatever comes twice, late, or not at all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.notice import CLAIM_SECONDS, MAX_WAIT_SECONDS, NEWS_SECONDS
from shared.paths import GenerationPath
from shared.ports import Unavailable
from shared.serverless import Misconfigured
from shared.status import Status
from tests.unit.trigger.notifying import PATH, Killed, Phones, failing
from trigger.notify import Outcome
from trigger.overdue_notices import PATIENCE

EVENTS = 10
#: Until the sweep looks after a claim that lapsed.
LAPSE_SECONDS = CLAIM_SECONDS + PATIENCE.total_seconds()


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
