"""`PushService` over the HTTP v1 API of Firebase Cloud Messaging.

Tried again is what passes by itself (429, 5xx, no answer), not before FCM wants it; stale is a
token only where FCM says so of the token. The credentials go to one address and into no text.
Bounds: ATTEMPT_TIMEOUT_SECONDS without a byte, and no attempt begins after the caller's `within`.
"""

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
import tenacity
from google.auth import exceptions

from shared.notifying import Notification, StaleToken
from shared.ports import Rejected, Unavailable
from shared.serverless import Misconfigured
from trigger.adapters.fcm_message import fcm_message
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS

#: What FCM asks to be left alone for after a 429 that does not say for how long.
QUOTA_SECONDS = 60.0
#: The first digit of 5xx.
SERVER_ERRORS = 5
BACKOFF = tenacity.wait_exponential_jitter(multiplier=0.5, max=4, jitter=0.5)


class _Passing(Exception):
    """What may be over the next time; the text is for the log."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class FcmAccess:
    """Where messages are sent, and what carries them with its credentials."""

    session: Any
    #: https://fcm.googleapis.com, or that of a double.
    address: str
    project: str


class FcmPush:
    """Devices of the project's apps; `connect` is called with the first message, so that wrong
    settings and missing credentials fail nothing else. Not thread-safe."""

    def __init__(
        self, connect: Callable[[], FcmAccess], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._connect = functools.cache(connect)
        self._sleep = sleep

    def send(self, token: str, notification: Notification, *, within: float) -> None:
        if within <= 0:
            raise Unavailable("no time is left to ask FCM")
        body = json.dumps(fcm_message(token, notification), allow_nan=False).encode()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Passing),
            wait=_wait,
            stop=tenacity.stop_before_delay(within),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: requests.Response = retrying(self._attempt, self._connect(), body)
        except _Passing as error:
            raise Unavailable(f"FCM did not take a message: {error}") from None
        _check(answer, self._connect().project)

    @staticmethod
    def _attempt(access: FcmAccess, body: bytes) -> requests.Response:
        try:
            answer: requests.Response = access.session.post(
                f"{access.address}/v1/projects/{access.project}/messages:send",
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=ATTEMPT_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.RequestException, exceptions.TransportError) as error:
            # Not its text, which may quote the request.
            raise _Passing(type(error).__name__) from None
        except exceptions.GoogleAuthError as error:
            if error.retryable:
                raise _Passing(type(error).__name__) from None
            raise Misconfigured(
                f"there are no credentials for FCM: {type(error).__name__}"
            ) from None
        if (
            answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
            or answer.status_code // 100 == SERVER_ERRORS
        ):
            raise _Passing(f"HTTP {answer.status_code}", _asked_to_wait(answer))
        return answer


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, _Passing) else 0.0
    return max(asked, BACKOFF(state))


def _asked_to_wait(answer: requests.Response) -> float:
    """`Retry-After` in seconds, as a number or a date; what it cannot be counts as not said."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        is_quota = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        return QUOTA_SECONDS if is_quota else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fault:
    """What FCM's body says of a request that it did not take."""

    #: FCM's own word: UNREGISTERED, SENDER_ID_MISMATCH … Empty: it is another service that speaks.
    code: str
    #: Whether it is the token that is wrong with the request.
    is_of_token: bool

    @classmethod
    def of(cls, answer: requests.Response) -> "_Fault":
        error = _mapping(_mapping(_json(answer)).get("error"))
        details = error.get("details")
        maps = [_mapping(it) for it in details] if isinstance(details, list) else []
        code = next((it["errorCode"] for it in maps if isinstance(it.get("errorCode"), str)), "")
        violations = [one for it in maps for one in it.get("fieldViolations") or ()]
        named = any(_mapping(one).get("field") == "message.token" for one in violations)
        # Which of the fields it is FCM mostly says in its sentence alone.
        said = "registration token" in str(error.get("message", "")).lower()
        return cls(code=code, is_of_token=named or said)


def _check(answer: requests.Response, project: str) -> None:
    status = answer.status_code
    if status == HTTPStatus.OK:
        if not isinstance(_mapping(_json(answer)).get("name"), str):
            raise Unavailable("the answer to a message is none of FCM's")
        return
    fault = _Fault.of(answer)
    if status == HTTPStatus.NOT_FOUND and fault.code == "UNREGISTERED":
        raise StaleToken("FCM: UNREGISTERED")
    if status == HTTPStatus.BAD_REQUEST and fault.code == "INVALID_ARGUMENT":
        if fault.is_of_token:
            raise StaleToken("FCM: no registration token")
        raise Rejected("FCM does not take this message: INVALID_ARGUMENT")
    if status == HTTPStatus.FORBIDDEN and fault.code == "SENDER_ID_MISMATCH":
        # Of all tokens at once if this is the wrong project: so none is forgotten for it.
        raise Rejected("the token is of another project's app: SENDER_ID_MISMATCH")
    reasons = {
        "THIRD_PARTY_AUTH_ERROR": "has no right key for APNs or web push; see the Firebase console",
        HTTPStatus.UNAUTHORIZED: "does not take the function's credentials",
        HTTPStatus.FORBIDDEN: f"does not let the function send for the project {project}",
        HTTPStatus.NOT_FOUND: f"does not know the project {project}",
    }
    reason = reasons.get(fault.code) or reasons.get(status, "answers as its API should not")
    raise Misconfigured(f"FCM {reason} (HTTP {status})")


def _json(answer: requests.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
