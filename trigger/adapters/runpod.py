"""`ServerlessJobs` over RunPod's HTTP API for queue-based endpoints: /run, /status, /cancel.

The key goes into one header, to one address, and into no text. Bounds: ATTEMPT_TIMEOUT_SECONDS
without a byte, RETRY_SECONDS for all attempts of a call, as for the other adapters of
`trigger.adapters.transient`.
"""

import functools
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import httpx
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry, if_exception_type

from shared.dispatched import NAME
from shared.ports import Rejected, TooLarge, Unavailable
from shared.serverless import MAX_REQUEST_BYTES, JobLimits, Misconfigured
from trigger.adapters.transient import ATTEMPT_TIMEOUT_SECONDS, RETRY

#: How a job may have ended; whatever else RunPod calls it, it may still be worked on.
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
#: What is wrong with this one request.
REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
#: What RunPod may say of a job that it does not know, or not any more.
UNKNOWN_JOB = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class _Passing(Exception):
    """What may be over the next time; the text is for the log."""


RUNPOD_RETRY = RETRY.with_predicate(if_exception_type(_Passing))


def runpod_client(key: str, base_url: str) -> httpx.Client:
    """Raises `Misconfigured`, without quoting it, for a key that cannot be one."""
    # A secret that came out of a file or a pipe often ends in a line's end.
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured(
            "RUNPOD_API_KEY is empty or has characters that no key has; it must be one of the "
            "account's API keys"
        )
    return httpx.Client(
        base_url=base_url,
        headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
        timeout=ATTEMPT_TIMEOUT_SECONDS,
        # No proxy and no other credentials from the environment; and nobody sends the key on.
        trust_env=False,
        follow_redirects=False,
    )


class RunPodJobs:
    """Jobs of the account whose key the client of `connect` (see `runpod_client`) sends along; it
    is made with the first call, so that wrong settings fail nothing that needs no job."""

    def __init__(self, connect: Callable[[], httpx.Client], retry: Retry = RUNPOD_RETRY) -> None:
        self._connect = functools.cache(connect)
        self._retry = retry

    def start(self, endpoint: str, request: Mapping[str, Any], limits: JobLimits) -> str:
        policy = {
            "executionTimeout": limits.execution_seconds * 1000,
            "ttl": limits.ttl_seconds * 1000,
        }
        body = json.dumps({"input": request, "policy": policy}, allow_nan=False).encode()
        if len(body) > MAX_REQUEST_BYTES:
            raise TooLarge(f"the request takes {len(body)} bytes, the most is {MAX_REQUEST_BYTES}")
        answer = self._call("POST", f"{endpoint}/run", body)
        if answer.status_code in REFUSED:
            raise Rejected(f"RunPod does not take this request: HTTP {answer.status_code}")
        job_id = _field(_checked(answer, endpoint), "id")
        if not NAME.fullmatch(job_id):
            raise Unavailable("RunPod's answer to /run has no id that a job could have")
        return job_id

    def alive(self, endpoint: str, job_id: str) -> bool:
        answer = self._call("GET", f"{endpoint}/status/{job_id}")
        if answer.status_code in UNKNOWN_JOB:
            return False
        return _field(_checked(answer, endpoint), "status") not in ENDED

    def cancel(self, endpoint: str, job_id: str) -> None:
        answer = self._call("POST", f"{endpoint}/cancel/{job_id}")
        if answer.status_code not in UNKNOWN_JOB:
            _checked(answer, endpoint)

    def _call(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        client = self._connect()

        def attempt() -> httpx.Response:
            headers = {"Content-Type": "application/json"} if body is not None else None
            try:
                answer = client.request(method, path, content=body, headers=headers)
            except httpx.RequestError as error:
                # Not its text, which holds the address; a header's fault would hold the key.
                raise _Passing(type(error).__name__) from None
            if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
                raise _Passing(f"HTTP {answer.status_code}")
            return answer

        what = path.split("/")[1]
        try:
            answer: httpx.Response = self._retry(attempt)()
        except RetryError as error:
            raise Unavailable(f"RunPod did not answer /{what}: {error.cause}") from None
        return answer


def _checked(answer: httpx.Response, endpoint: str) -> httpx.Response:
    if answer.is_success:
        return answer
    reasons = {
        HTTPStatus.UNAUTHORIZED: "does not take RUNPOD_API_KEY",
        HTTPStatus.FORBIDDEN: f"does not let RUNPOD_API_KEY use the endpoint {endpoint}",
        HTTPStatus.PAYMENT_REQUIRED: "wants to be paid first",
        HTTPStatus.NOT_FOUND: f"has no endpoint {endpoint} that RUNPOD_API_KEY may use",
    }
    reason = reasons.get(HTTPStatus(answer.status_code), "answers as its API should not")
    raise Misconfigured(f"RunPod {reason} (HTTP {answer.status_code})")


def _field(answer: httpx.Response, name: str) -> str:
    """Raises `Unavailable` for an answer that is none of RunPod's."""
    try:
        value = answer.json()[name]
    except (ValueError, LookupError, TypeError):
        value = None
    if not isinstance(value, str):
        raise Unavailable(f"RunPod's answer has no {name}")
    return value
