"""RunPod's side of a worker, over HTTP: hands out jobs and stops, takes results and pings.

Speaks what the library's loop asks for: job-take, job-take-batch and job-stop (held open until
there is something, HOLD_SECONDS at most), job-done, ping.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

POD = "pod-1"
KEY = "key-of-the-pod"
#: Like RunPod's 90 s, in that a worker which leaves does not wait for it.
HOLD_SECONDS = 60.0
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Posted:
    """What a worker posted for a job."""

    job: str
    body: Mapping[str, Any]
    at: float

    @property
    def is_progress(self) -> bool:
        return self.body.get("status") == "IN_PROGRESS"


@dataclass
class Desk:
    """The double's state; every change wakes whoever waits."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    pings: list[Mapping[str, list[str]]] = field(default_factory=list)
    #: How many jobs were asked for at once, at each take.
    asked: list[int] = field(default_factory=list)
    closed: bool = False


T = TypeVar("T")


class RunPod:
    """A context manager; `environment` is what RunPod would set for its worker."""

    def __init__(self) -> None:
        self._desk = Desk()
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._desk))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()

    def hang_up(self) -> None:
        """Answer every call at once from now on: for workers that sit their calls out."""
        with self._desk.changed:
            self._desk.closed = True
            self._desk.changed.notify_all()

    @property
    def environment(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self._server.server_port}/v2/endpoint"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID",
            "RUNPOD_POD_ID": POD,
            "RUNPOD_AI_API_KEY": KEY,
            "RUNPOD_PING_INTERVAL": "1000",
        }

    def submit(self, given: object) -> str:
        """A new job's id."""
        job = f"job-{next(self._numbers)}-e1"
        with self._desk.changed:
            self._desk.waiting.append({"id": job, "input": given})
            self._desk.changed.notify_all()
        return job

    def stop(self, job: str) -> None:
        with self._desk.changed:
            self._desk.stops.append(job)
            self._desk.changed.notify_all()

    def result(self, job: str) -> Mapping[str, Any]:
        """The job's result as it was posted, once it is there."""

        def found() -> Posted | None:
            return next((it for it in self.posts(job) if not it.is_progress), None)

        posted = self._wait(found, f"no result of {job}")
        return posted.body

    def progress(self, job: str) -> Mapping[str, Any]:
        """The newest progress of the job, once there is one."""

        def found() -> Posted | None:
            return next((it for it in reversed(self.posts(job)) if it.is_progress), None)

        progress: Mapping[str, Any] = self._wait(found, f"no progress of {job}").body["output"]
        return progress

    def posts(self, job: str) -> list[Posted]:
        return [it for it in list(self._desk.posted) if it.job == job]

    def ping(self, matching: Callable[[Mapping[str, list[str]]], bool]) -> Mapping[str, list[str]]:
        """A ping's parameters, once there is such a one."""
        return self._wait(
            lambda: next((it for it in list(self._desk.pings) if matching(it)), None),
            f"no such ping in {self._desk.pings}",
        )

    @property
    def pings(self) -> list[Mapping[str, list[str]]]:
        return list(self._desk.pings)

    @property
    def asked(self) -> list[int]:
        return list(self._desk.asked)

    def _wait(self, found: Callable[[], T | None], otherwise: str) -> T:
        with self._desk.changed:
            there: list[T] = []

            def look() -> bool:
                it = found()
                there[:] = [] if it is None else [it]
                return bool(there)

            assert self._desk.changed.wait_for(look, TIMEOUT_SECONDS), otherwise
            return there[0]


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            kind = parts.path.split("/")[3]
            if kind == "ping":
                with desk.changed:
                    desk.pings.append(query)
                    desk.changed.notify_all()
                self._answer({})
            elif kind == "job-stop":
                self._answer_when(lambda: desk.stops, lambda ids: {"jobsToStop": ids}, count=100)
            elif kind == "job-take":
                self._take(1, lambda jobs: jobs[0])
            else:
                self._take(int(query["batch_size"][0]), lambda jobs: jobs)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            job = urlsplit(self.path).path.split("/")[5]
            assert self.headers["X-Request-ID"] == job
            with desk.changed:
                desk.posted.append(Posted(job, body, time.monotonic()))
                desk.changed.notify_all()
            self._answer({})

        def _take(self, count: int, form: Callable[[list[Any]], Any]) -> None:
            desk.asked.append(count)
            self._answer_when(lambda: desk.waiting, form, count=count)

        def _answer_when(
            self, queue: Callable[[], list[Any]], form: Callable[[list[Any]], Any], *, count: int
        ) -> None:
            with desk.changed:
                desk.changed.wait_for(lambda: queue() or desk.closed, HOLD_SECONDS)
                taken = queue()[:count]
                del queue()[:count]
            if taken:
                self._answer(form(taken))
            else:
                self._answer(None)

        def _answer(self, body: Any) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            with suppress(ConnectionError):  # the worker has left meanwhile
                self.send_response(HTTPStatus.NO_CONTENT if body is None else HTTPStatus.OK)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """The tests look at what was posted instead."""

    return Handler
