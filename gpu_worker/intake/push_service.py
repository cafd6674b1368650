"""What is answered to whom: `POST /push` for Pub/Sub, `GET /alive` and `GET /ready` for probes.

A push is answered when its generation needs no more of this message (204), or when the message has
to come again (503). It holds one of the job slots meanwhile; with none free the answer is 429, at
once. A job belongs to its slot and not to its request: cut off, it goes on, and the message that
comes again finds its document held or finished.
"""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from gpu_worker.health import Health, HealthFile
from gpu_worker.intake.delivery import settle
from gpu_worker.intake.push_answers import RETRY_SECONDS, Refusal, Times, answered
from gpu_worker.intake.push_body import read_push, within_bounds
from gpu_worker.intake.push_sender import NotOurs, PushSender
from gpu_worker.intake.refusals import Refusals
from gpu_worker.lifecycle.handled import Done, Handled, Handler
from shared.clock import SystemClock
from shared.json_log import trace_of
from shared.paths import GenerationPath
from shared.ports import Unavailable

log = logging.getLogger(__name__)

PUSH_PATH = "/push"
#: For its sender to be told and its body to arrive: a machine sends it, and it is small.
BODY_SECONDS = 10.0
#: A subscription that unwraps its messages says nothing of their kind.
CONTENT_TYPES = ("application/json", "")
#: Tokens looked at at once; one that needs new keys may take some seconds.
CHECKS = 4


class PushService:
    """`app` is the ASGI application. Used once: `drain`, then `finish`."""

    def __init__(
        self,
        runner: Handler,
        sender: PushSender,
        health: HealthFile,
        *,
        slots: int,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._runner = runner
        self._sender = sender
        self._health = health
        self._body_seconds = body_seconds
        self._free_slots = threading.BoundedSemaphore(slots)
        self._jobs = ThreadPoolExecutor(slots, "job")
        self._checks = ThreadPoolExecutor(CHECKS, "sender")
        self._refusals = Refusals(SystemClock())
        self._draining = False
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Of the bodies that are being read.
        self._limits: set[asyncio.Timeout] = set()
        self.app = Router(
            [
                Route(PUSH_PATH, self._push, methods=["POST"]),
                Route("/alive", self._alive, methods=["GET"]),
                Route("/ready", self._ready, methods=["GET"]),
            ],
            redirect_slashes=False,
        )

    def drain(self) -> None:
        """Take nothing more, and wait for no body; from any thread."""
        self._draining = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._hurry)

    def finish(self) -> None:
        """Block until the jobs in hand are settled."""
        self._jobs.shutdown(wait=True)

    async def _alive(self, _: Request) -> Response:
        return self._state(well=self._health.alive)

    async def _ready(self, _: Request) -> Response:
        return self._state(well=self._health.alive and self._open)

    def _state(self, *, well: bool) -> Response:
        state = Health.DRAINING if self._draining else self._health.state
        return JSONResponse(
            {"alive": self._health.alive, "state": state.value},
            HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    @property
    def _open(self) -> bool:
        return self._health.state is Health.READY and not self._draining

    async def _push(self, request: Request) -> Response:
        times = Times(time.perf_counter)
        try:
            return answered(await self._handled(request, times), times, close=self._draining)
        except Refusal as refusal:
            return refusal.answer(close=self._draining)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it
        except Exception as error:  # noqa: BLE001 (its text may quote what was sent)
            log.error("could not answer a push", extra={"fields": trace_of(error)})  # noqa: TRY400
            return Response(status_code=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _handled(self, request: Request, times: Times) -> Handled:
        """Raises `Refusal`."""
        if self._draining:
            raise _leaving()
        if not self._open:
            words = "No model is loaded yet."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, words, retry_seconds=RETRY_SECONDS)
        _check_content_type(request)
        found = read_push(await self._heard(request, times))
        if not isinstance(found, GenerationPath):
            return found
        handled = await self._in_a_slot(found)
        times.mark("handle")
        fields = {
            "generation": str(found),
            "acknowledged": isinstance(handled, Done),
            "seconds": {part: round(took, 4) for part, took in times.parts.items()},
        }
        log.info("answered", extra={"fields": fields})
        return handled

    async def _heard(self, request: Request, times: Times) -> bytes | None:
        """The body of a request of our subscription's; None for one that is too long for any
        message of ours. Raises `Refusal` too when the worker leaves before it is there."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._body_seconds) as limit:
                self._limits.add(limit)
                try:
                    if self._draining:
                        raise _leaving()  # `drain` may have come before there was a loop to hurry
                    await self._check_sender(request)
                    times.mark("sender")
                    body = await within_bounds(request)
                    times.mark("body")
                    return body
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            if self._draining:
                raise _leaving() from None
            words = f"The request has to be here within {self._body_seconds:g} s."
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, words) from None

    def _hurry(self) -> None:
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())

    async def _check_sender(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        authorization = request.headers.get("authorization")
        try:
            await loop.run_in_executor(self._checks, self._sender.check, authorization)
        except NotOurs as why:
            self._refusals.add(str(why))
            raise Refusal(HTTPStatus.FORBIDDEN, "Only our subscription is served.") from None
        except Unavailable as why:
            self._refusals.add(f"who sends it cannot be told without {why}")
            words = "Who asks cannot be told now."
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, words, retry_seconds=RETRY_SECONDS
            ) from None

    async def _in_a_slot(self, path: GenerationPath) -> Handled:
        if not self._free_slots.acquire(blocking=False):
            log.info("every slot is taken", extra={"fields": {"generation": str(path)}})
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Every slot is taken.",
                retry_seconds=RETRY_SECONDS,
                heard=True,
            )
        try:
            job = self._jobs.submit(settle, path, self._runner.handle)
        except RuntimeError:  # `finish` was faster
            self._free_slots.release()
            raise _leaving() from None
        job.add_done_callback(lambda _: self._free_slots.release())
        return await asyncio.wrap_future(job)


def _leaving() -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This worker is leaving.", retry_seconds=0)


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in CONTENT_TYPES:
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
