"""Serves the built app and, as Firebase Hosting does, the configuration of its project.

`python -m tools.web.server CONFIGURATION ADDRESS_FILE`: builds the app if need be, listens on the
loopback address, at FIRST_PORT or the next free one, and writes "host:port" into ADDRESS_FILE.
`/__/firebase/init.json` holds CONFIGURATION, which is JSON. Bound: PORTS_TO_TRY.
"""

import errno
import functools
import http.server
import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tools.stack.names import HOST
from tools.web.build import BuildFailed, built_app

#: Vite's own for what it has built.
FIRST_PORT = 4173
PORTS_TO_TRY = 200
CONFIGURATION_PATH = "/__/firebase/init.json"
#: Emulators listen on ports of this machine that are not known before; pictures come from one.
LOCAL = "http://127.0.0.1:*"
POLICY = (
    f"default-src 'self'; connect-src 'self' {LOCAL} ws://127.0.0.1:*;"
    f" img-src 'self' blob: data: {LOCAL}; media-src 'self' {LOCAL};"
    " object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server(http.server.ThreadingHTTPServer):
    """The app in `folder` for the project of `configuration`."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path, configuration: dict[str, Any]) -> None:
        self.configuration = json.dumps(configuration).encode()
        super().__init__((HOST, port), functools.partial(Handler, directory=str(folder)))


class Handler(http.server.SimpleHTTPRequestHandler):
    """One request."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path != CONFIGURATION_PATH:
            super().do_GET()
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.configuration)))
        self.end_headers()
        self.wfile.write(self.server.configuration)

    def list_directory(self, _path: Any) -> None:
        """No lists of files."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        # A stack's next start may have other ports, and its next build other names.
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only what went wrong is logged."""


def listening(folder: Path, configuration: dict[str, Any]) -> Server:
    """A server on the first free port. Raises `OSError` where there is none."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY):
        try:
            return Server(port, folder, configuration)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    last = FIRST_PORT + PORTS_TO_TRY - 1
    raise OSError(f"No free port for the web app between {FIRST_PORT} and {last}.")


def main() -> int:
    configuration, address_file = json.loads(sys.argv[1]), Path(sys.argv[2])
    try:
        folder = built_app()
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    with listening(folder, configuration) as server:
        draft = address_file.with_suffix(".tmp")
        draft.write_text(f"{HOST}:{server.server_port}", encoding="utf-8")
        draft.replace(address_file)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
