"""`FcmPush` over a service that fails: what is tried again, what is stale, and who gets nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from google.auth import exceptions

from shared.notifying import StaleToken
from shared.ports import Rejected, Unavailable
from shared.serverless import Misconfigured
from tests.contract.fcm_service import (
    NO_TOKEN,
    OF_ANOTHER,
    UNREGISTERED,
    Answer,
    Fault,
    FcmService,
    running_fcm,
)
from tests.contract.test_push_service import READY
from trigger.adapters.fcm import QUOTA_SECONDS, FcmAccess, FcmPush
from trigger.adapters.fcm_access import fcm_access

TOKEN = "ann-phone:APA91b-nobody-may-log"
#: As long as nobody really waits.
WITHIN = 100.0


class Pauses(list[float]):
    """What would have been waited."""


@pytest.fixture
def service() -> Iterator[FcmService]:
    with running_fcm(TOKEN) as service:
        yield service


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def push(service: FcmService, pauses: Pauses) -> FcmPush:
    return FcmPush(lambda: fcm_access(service.address, service.project), pauses.append)


def send(push: FcmPush, within: float = WITHIN, **changed: Any) -> None:
    push.send(TOKEN, replace(READY, **changed), within=within)


@pytest.mark.parametrize("fault", [*map(Answer, (500, 502, 503, 504)), Fault.DROP])
def test_a_fault_that_passes_is_tried_again_after_a_moment(
    service: FcmService, push: FcmPush, pauses: Pauses, fault: Fault | Answer
) -> None:
    service.faults.extend([fault, fault])
    send(push)
    assert len(service.asked) == 3
    assert len(service.shown[TOKEN]) == 1
    assert 0.5 <= pauses[0] <= 1 <= pauses[1] <= 1.5


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_is_left_alone_for_as_long_as_it_asks(
    service: FcmService, push: FcmPush, pauses: Pauses, status: int
) -> None:
    in_a_while = datetime.now(UTC) + timedelta(seconds=50)
    service.faults.extend([
        Answer(status, headers={"Retry-After": "7"}),
        Answer(status, headers={"Retry-After": format_datetime(in_a_while, usegmt=True)}),
        Answer(status, headers={"Retry-After": "soon"}),
    ])  # fmt: skip
    send(push, within=1000)
    assert pauses[0] == 7
    assert 40 < pauses[1] <= 50
    assert (pauses[2] == QUOTA_SECONDS) is (status == 429)
    assert len(service.shown[TOKEN]) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(429), Answer(503, headers={"Retry-After": "9"}), Answer(429, "QUOTA_EXCEEDED")],
)
def test_who_asks_for_more_than_there_is_time_is_not_waited_for(
    service: FcmService, push: FcmPush, pauses: Pauses, answer: Answer
) -> None:
    service.faults.extend([answer] * 5)
    with pytest.raises(Unavailable, match=f"HTTP {answer.status}$"):
        send(push, within=8)
    assert (pauses, len(service.asked)) == ([], 1)


def test_a_fault_that_stays_ends_within_the_time_and_quotes_no_token(
    service: FcmService, push: FcmPush
) -> None:
    service.faults.extend([Answer(503)] * 1000)
    with pytest.raises(Unavailable, match="FCM did not take a message: HTTP 503") as caught:
        # Pauses are not waited for here, so that it is the next one alone that exceeds the time.
        send(push, within=3)
    assert len(service.asked) < 1000
    assert TOKEN not in repr(caught.value)
    assert "http:" not in str(caught.value)


def test_a_lost_reply_shows_it_twice_under_one_tag(service: FcmService, push: FcmPush) -> None:
    service.faults.append(Fault.LOSE_REPLY)
    send(push)
    tags = [
        (
            it["android"]["notification"]["tag"],
            it["apns"]["headers"]["apns-collapse-id"],
            it["webpush"]["notification"]["tag"],
        )
        for it in service.shown[TOKEN]
    ]
    assert len(tags) == 2
    assert len(set(tags)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        UNREGISTERED,
        NO_TOKEN,
        Answer(400, "INVALID_ARGUMENT", "Invalid registration token"),
    ],
)
def test_a_token_is_stale_where_fcm_says_so_of_it(
    service: FcmService, push: FcmPush, answer: Answer
) -> None:
    service.faults.append(answer)
    with pytest.raises(StaleToken) as caught:
        send(push)
    assert len(service.asked) == 1
    assert TOKEN not in repr(caught.value)


def test_a_violation_that_names_the_token_s_field_says_so_too(
    service: FcmService, push: FcmPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Answer(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    body = answer.body()
    violation = {"field": "message.token", "description": "Invalid registration"}
    body["error"]["details"].append({"@type": "…BadRequest", "fieldViolations": [violation]})
    monkeypatch.setattr(Answer, "body", lambda _: body)
    service.faults.append(answer)
    with pytest.raises(StaleToken):
        send(push)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (OF_ANOTHER, "another project's app: SENDER_ID_MISMATCH"),
        (Answer(400, "INVALID_ARGUMENT", "Message too big"), "does not take this message"),
    ],
)
def test_what_fcm_never_takes_is_neither_stale_nor_tried_again(
    service: FcmService, push: FcmPush, answer: Answer, reason: str
) -> None:
    service.faults.append(answer)
    with pytest.raises(Rejected, match=reason):
        send(push)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401), r"does not take the function's credentials \(HTTP 401\)"),
        (Answer(401, "THIRD_PARTY_AUTH_ERROR"), "has no right key for APNs or web push"),
        (Answer(403), "does not let the function send for the project demo-fcm"),
        (Answer(404), "does not know the project demo-fcm"),
        (Answer(400), "answers as its API should not"),
        (Answer(302), "answers as its API should not"),
        (Answer(418, "TEAPOT"), "answers as its API should not"),
    ],
)
def test_what_an_operator_has_to_mend_is_said_and_makes_no_token_stale(
    service: FcmService, push: FcmPush, answer: Answer, reason: str
) -> None:
    service.faults.append(answer)
    with pytest.raises(Misconfigured, match=f"^FCM {reason}"):
        send(push)
    assert len(service.asked) == 1


def test_an_answer_that_is_none_of_fcm_s_counts_as_none(service: FcmService, push: FcmPush) -> None:
    service.faults.append(Fault.GARBAGE)
    with pytest.raises(Unavailable, match="none of FCM's"):
        send(push)


@pytest.mark.parametrize("details", [None, "x", [1, None, {"errorCode": 7}], {}])
@pytest.mark.parametrize("body", ["whole", "list", "text"])
def test_an_error_in_whatever_form_is_read(
    service: FcmService, push: FcmPush, monkeypatch: pytest.MonkeyPatch, details: Any, body: str
) -> None:
    given: dict[str, Any] = {
        "whole": {"error": {"message": None, "details": details}},
        "list": [details],
        "text": {"error": "UNREGISTERED"},
    }
    monkeypatch.setattr(Answer, "body", lambda _: given[body])
    service.faults.append(Answer(404))
    with pytest.raises(Misconfigured, match="does not know the project"):
        send(push)


def test_credentials_are_not_carried_on_to_where_an_answer_points(
    service: FcmService, push: FcmPush
) -> None:
    service.faults.append(Fault.REDIRECT)
    with pytest.raises(Misconfigured, match="HTTP 307"):
        send(push)
    assert [asked.project for asked in service.asked] == ["demo-fcm"]


def test_a_wrong_bearer_and_a_wrong_project_are_told_apart(service: FcmService) -> None:
    with pytest.raises(Misconfigured, match="does not let the function send for the project other"):
        send(FcmPush(lambda: fcm_access(service.address, "other")))
    service.bearer = "another"
    with pytest.raises(Misconfigured, match="does not take the function's credentials"):
        send(FcmPush(lambda: fcm_access(service.address, service.project)))


def test_the_token_travels_in_the_body_alone(service: FcmService, push: FcmPush) -> None:
    send(push)
    (asked,) = service.asked
    assert TOKEN in asked.body.decode()
    assert TOKEN not in json.dumps(asked.headers)


class NoSession:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def post(self, *_: object, **__: object) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.RefreshError("secret"), Misconfigured),
        (exceptions.RefreshError("secret", retryable=True), Unavailable),
        (exceptions.TransportError("secret"), Unavailable),
    ],
)
def test_credentials_that_cannot_be_had_are_said_without_their_text(
    error: Exception, expected: type[Exception]
) -> None:
    access = FcmAccess(session=NoSession(error), address="https://x", project="p")
    with pytest.raises(expected) as caught:
        send(FcmPush(lambda: access, lambda _: None), within=2)
    assert "secret" not in str(caught.value)


def test_a_hanging_service_is_waited_for_no_longer_than_an_attempt(
    service: FcmService, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = fcm_access(service.address, service.project)
    given: list[Any] = []
    post = access.session.post

    def noted(*arguments: Any, **named: Any) -> Any:
        given.append(named["timeout"])
        return post(*arguments, **named)

    monkeypatch.setattr(access.session, "post", noted)
    send(FcmPush(lambda: access))
    assert given == [5.0]
