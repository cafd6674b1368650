"""Answers the probes of Cloud Run and Kubernetes over HTTP: `/alive` and `/ready`, 200 or 503.

A thread of its own that asks `HealthFile`: it answers while the service's loop is stuck, and then
says so. Knows nothing secret, takes nothing from who asks, and gives each TIMEOUT_SECONDS.
"""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from gpu_worker.health import Health, HealthFile

#: For a request to arrive; a probe's comes at once.
TIMEOUT_SECONDS = 5.0


class HealthServer:
    """A context manager; port 0 takes a free one. Raises `OSError` when the port is taken."""

    def __init__(self, health: HealthFile, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = TIMEOUT_SECONDS

            def do_GET(self) -> None:
                answers = {"/alive": health.alive, "/ready": health.state is Health.READY}
                well = answers.get(self.path)
                if well is None:
                    self.send_error(HTTPStatus.NOT_FOUND, "Ask for /alive or /ready")
                    return
                body = json.dumps({"alive": health.alive, "state": health.state.value}).encode()
                status = HTTPStatus.OK if well and health.alive else HTTPStatus.SERVICE_UNAVAILABLE
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """A probe asks every few seconds: nothing to log."""

        # Every interface: probes come from outside the container.
        self._server = ThreadingHTTPServer(("", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
