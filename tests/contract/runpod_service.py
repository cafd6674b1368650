"""A local double of RunPod's API for queue-based endpoints, with its errors and faults on request.

`/v2/{endpoint}/run`, `/status/{id}`, `/cancel/{id}` as documented: states, bounds of `policy`, at
most 10 MB a request, 400, 401, 404 and 429. No worker runs: tests move jobs by hand.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

TIMEOUT_SECONDS = 30.0
#: Of `/run`, as documented, in whole bytes as we count them.
MAX_RUN_BYTES = 10_000_000
MIN_EXECUTION_MS = 5000
MIN_TTL_MS = 10_000
MAX_TTL_MS = 7 * 24 * 3600 * 1000
_PATH = re.compile(r"/v2/([^/]+)/(run|status|cancel)(?:/([^/]+))?")


class State(StrEnum):
    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


class Fault(StrEnum):
    """Instead of an answer; beside HTTP statuses as numbers."""

    #: The request is done, and the connection ends without a word of it.
    LOSE_REPLY = "lose_reply"
    #: The connection ends before anything is done.
    DROP = "drop"
    #: An answer of another service.
    GARBAGE = "garbage"
    #: To another endpoint of this service, which notes who follows.
    REDIRECT = "redirect"


@dataclass
class Job:
    endpoint: str
    request: dict[str, Any]
    state: State = State.IN_QUEUE


@dataclass
class Asked:
    """One request as it came."""

    operation: str
    endpoint: str
    job_id: str
    body: bytes
    headers: dict[str, str]


@dataclass
class RunPodService:
    """What tests see of it. `faults` are what the next requests meet, in order, of an operation."""

    key: str
    endpoints: set[str]
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, deque[Fault | int]] = field(default_factory=dict)
    #: Called in the request's thread after a job was started, before the reply.
    on_run: Callable[[str], None] = lambda _: None
    address: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def base_url(self) -> str:
        return f"{self.address}/v2"

    def operations(self) -> list[str]:
        with self.changed:
            return [one.operation for one in self.asked]

    def by_state(self, *states: State) -> list[str]:
        """Ids of the jobs in one of these states, in the order of their start."""
        with self.changed:
            return [job_id for job_id, job in self.jobs.items() if job.state in states]

    def move(self, job_id: str, state: State) -> None:
        """What a worker, or the service by itself, does."""
        with self.changed:
            self.jobs[job_id].state = state
            self.changed.notify_all()

    def forget(self, job_id: str) -> None:
        """Half an hour after its end a job is known no more."""
        with self.changed:
            del self.jobs[job_id]

    def wait_until(self, is_so: Callable[["RunPodService"], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: is_so(self), TIMEOUT_SECONDS), (
                [(one.operation, one.job_id) for one in self.asked],
                self.jobs,
            )

    def next_fault(self, operation: str) -> Fault | int | None:
        with self.changed:
            waiting = self.faults.get(operation)
            return waiting.popleft() if waiting else None

    def note(self, asked: Asked) -> None:
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()

    def answer(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        """HTTP status and body."""
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"error": "unauthorized"}
        if asked.endpoint not in self.endpoints:
            return 404, {"error": "endpoint not found"}
        if asked.operation == "run":
            return self._run(asked)
        with self.changed:
            job = self.jobs.get(asked.job_id)
            if job is None or job.endpoint != asked.endpoint:
                return 404, {"error": "request does not exist"}
            if asked.operation == "cancel" and job.state in (State.IN_QUEUE, State.IN_PROGRESS):
                job.state = State.CANCELLED
            self.changed.notify_all()
            return 200, {"id": asked.job_id, "status": job.state.value, "delayTime": 1}

    def _run(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        if len(asked.body) > MAX_RUN_BYTES:
            return 413, {"error": "request body too large"}
        try:
            request = json.loads(asked.body)
            policy = request.get("policy", {})
            good = (
                isinstance(request["input"], dict)
                and policy.get("executionTimeout", 600_000) > MIN_EXECUTION_MS
                and MIN_TTL_MS <= policy.get("ttl", MIN_TTL_MS) <= MAX_TTL_MS
            )
        except (ValueError, LookupError, AttributeError, TypeError):
            good = False
        if not good:
            return 400, {"error": "bad request"}
        job_id = f"{uuid4()}-u1"
        with self.changed:
            self.jobs[job_id] = Job(asked.endpoint, request)
            self.changed.notify_all()
        self.on_run(job_id)
        return 200, {"id": job_id, "status": State.IN_QUEUE.value}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: An answer goes out in one piece, so that its second one need not wait for an acknowledgement.
    wbufsize = -1
    server: "_Server"

    def do_GET(self) -> None:
        self._serve("status")

    def do_POST(self) -> None:
        self._serve("run", "cancel")

    def _serve(self, *operations: str) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = _PATH.fullmatch(self.path)
        if match is None or match[2] not in operations:
            self._reply(405, {"error": "no such operation"})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(match[2], match[1], match[3] or "", body, headers)
        service.note(asked)
        fault = service.next_fault(asked.operation)
        if isinstance(fault, int):
            self._reply(fault, {"error": "as the test wants it"})
        elif fault is Fault.GARBAGE:
            self._reply(200, ["<html>"])
        elif fault is Fault.REDIRECT:
            self._reply(307, {}, Location=f"{service.base_url}/elsewhere/{asked.operation}")
        elif fault is Fault.DROP:
            self.close_connection = True
        else:
            answer = service.answer(asked)
            if fault is Fault.LOSE_REPLY:
                self.close_connection = True
            else:
                self._reply(*answer)

    def _reply(self, status: int, body: object, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: RunPodService) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed while it waited is no fault of ours."""


@contextmanager
def running_runpod(*endpoints: str, key: str = "rpa_A_KEY_OF_TESTS") -> Iterator[RunPodService]:
    """The double on a port of its own for the length of a `with` block."""
    service = RunPodService(key=key, endpoints=set(endpoints))
    with _Server(service) as server:
        service.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
