"""The answers to push requests, and how long their parts took, as Server-Timing says it.

Pub/Sub takes 204 for an acknowledgement, and everything that is no success for the wish to get the
message again. When, its subscription's retry policy says; Retry-After is for who reads it.
"""

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response

from gpu_worker.lifecycle.handled import Done, Handled

#: Until a worker that is full, cannot tell who asks, or has no model yet may be asked again.
RETRY_SECONDS = 10
CLOSE = {"Connection": "close"}
MILLISECONDS = 1000.0


class Times:
    """How long each part of a request took, in the order of `mark`s."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._last = seconds()
        self.parts: dict[str, float] = {}

    def mark(self, part: str) -> None:
        """`part`, which is seconds since the last mark, is over."""
        now = self._seconds()
        self.parts[part] = now - self._last
        self._last = now

    @property
    def header(self) -> Mapping[str, str]:
        said = [f"{part};dur={took * MILLISECONDS:.3f}" for part, took in self.parts.items()]
        return {"Server-Timing": ", ".join(said)}


class Refusal(Exception):
    """A request that comes to no job. `words` are for a person, and quote nothing of it."""

    def __init__(
        self,
        status: HTTPStatus,
        words: str,
        *,
        retry_seconds: float | None = None,
        heard: bool = False,
    ) -> None:
        """`heard`: its body was read to the end, so the connection may stay open."""
        super().__init__(words)
        self._status = status
        self._words = words
        self._retry_seconds = retry_seconds
        self._heard = heard

    def answer(self, *, close: bool) -> Response:
        headers = {} if self._heard and not close else dict(CLOSE)
        if self._retry_seconds is not None:
            headers |= _retry_after(self._retry_seconds)
        return PlainTextResponse(self._words, self._status, headers)


def answered(handled: Handled, times: Times, *, close: bool) -> Response:
    """What an intake answers to a message that was `handled`."""
    headers = {**times.header, **(CLOSE if close else {})}
    if isinstance(handled, Done):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    headers |= _retry_after(handled.seconds)
    words = "The message has to come again."
    return PlainTextResponse(words, HTTPStatus.SERVICE_UNAVAILABLE, headers)


def _retry_after(seconds: float) -> Mapping[str, str]:
    return {"Retry-After": str(math.ceil(seconds))}
