"""What calls the sweep on a stack: again and again, whatever comes of a call."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from tools.stack.schedule import scheduled_url, start_schedule

TIMEOUT_SECONDS = 30


class Function(ThreadingHTTPServer):
    """A function that fails the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = [500, 200, 200]
        self.called: Queue[str] = Queue()


class _Handler(BaseHTTPRequestHandler):
    server: Function

    def do_POST(self) -> None:
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.called.put(self.path)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def function() -> Iterator[Function]:
    with Function() as function:
        thread = threading.Thread(target=function.serve_forever, args=(0.01,))
        thread.start()
        yield function
        function.shutdown()
        thread.join()


def test_the_sweep_is_called_again_and_again_and_a_failure_is_told_of(
    function: Function, tmp_path: Path
) -> None:
    url = scheduled_url(f"127.0.0.1:{function.server_port}", "sweep")
    log = tmp_path / "schedule.log"
    process = start_schedule(url, dict(os.environ), log, every_seconds=0.01)
    try:
        paths = [function.called.get(timeout=TIMEOUT_SECONDS) for _ in range(3)]
    finally:
        process.kill()
        process.wait()
    assert paths == ["/demo-emberframe/us-central1/sweep-0"] * 3
    (line,) = log.read_text().splitlines()[:1]
    assert line.startswith(f"{url} failed: Server error '500")
