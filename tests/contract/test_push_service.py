"""What every `PushService` does with a notification: a device shows it, or it says why not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.in_memory_notices import InMemoryPush
from shared.notifying import Notification, PushService, StaleToken, Text
from shared.ports import Unavailable
from tests.contract.fcm_service import running_fcm
from trigger.adapters.fcm import FcmPush
from trigger.adapters.fcm_access import fcm_access

ANN, BOB = "ann-phone:APA91b", "bob-phone:APA91b"
READY = Notification(
    tag="g1",
    title=Text(plain="Your picture is ready", key="t"),
    body=Text(plain="Tap to see it.", key="b"),
    data={"generation": "g1", "status": "completed"},
    image_url=None,
    by_key=False,
    seconds=3600,
    expires_at=datetime(2026, 11, 2, tzinfo=UTC),
)


@dataclass(frozen=True)
class Subject:
    push: PushService
    #: (tag, title, data) of what the device of a token was sent.
    shown: Callable[[str], list[tuple[str, str, Any]]]


@contextmanager
def in_memory() -> Iterator[Subject]:
    push = InMemoryPush(ANN, BOB)
    yield Subject(
        push, lambda token: [(it.tag, it.title.plain, it.data) for it in push.shown[token]]
    )


@contextmanager
def fcm() -> Iterator[Subject]:
    with running_fcm(ANN, BOB) as service:
        yield Subject(
            FcmPush(lambda: fcm_access(service.address, service.project)),
            lambda token: [
                (it["android"]["notification"]["tag"], it["notification"]["title"], it["data"])
                for it in service.shown[token]
            ],
        )


@pytest.fixture(params=[pytest.param(in_memory, id="in memory"), pytest.param(fcm, id="fcm")])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with request.param() as subject:
        yield subject


def test_the_device_of_a_token_is_shown_it_and_no_other(subject: Subject) -> None:
    subject.push.send(ANN, READY, within=5)
    assert subject.shown(ANN) == [("g1", "Your picture is ready", READY.data)]
    assert subject.shown(BOB) == []


def test_each_call_is_one_notification(subject: Subject) -> None:
    for tag in ("g1", "g2", "ä" * 128):
        subject.push.send(BOB, replace(READY, tag=tag), within=5)
    assert [tag for tag, _, _ in subject.shown(BOB)] == ["g1", "g2", "ä" * 128]


def test_a_token_that_no_device_has_is_stale_and_not_quoted(subject: Subject) -> None:
    with pytest.raises(StaleToken) as caught:
        subject.push.send("uninstalled:APA91b", READY, within=5)
    assert "uninstalled" not in str(caught.value)


@pytest.mark.parametrize("within", [0, -1])
def test_without_time_nothing_is_sent(subject: Subject, within: float) -> None:
    with pytest.raises(Unavailable):
        subject.push.send(ANN, READY, within=within)
    assert subject.shown(ANN) == []
