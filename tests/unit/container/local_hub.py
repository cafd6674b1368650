"""A model hub on this machine: serves folders as repositories, as huggingface_hub asks for them.

Three kinds of requests: whether a repository has a commit, what it holds there, and one of its
files. Another commit than the repository's is answered with 404, as the hub does.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: The commit at which every repository is.
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(BaseHTTPRequestHandler):
    def __init__(self, repositories: Mapping[str, Path], *arguments: Any) -> None:
        self._repositories = repositories
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0].strip("/")
        for repository, folder in self._repositories.items():
            if path == f"api/models/{repository}/revision/{COMMIT}":
                known = json.dumps({"id": repository, "sha": COMMIT}).encode()
                self._send(known, with_body=with_body)
                return
            if path == f"api/models/{repository}/tree/{COMMIT}":
                self._send(self._listing(folder), with_body=with_body)
                return
            prefix = f"{repository}/resolve/{COMMIT}/"
            if path.startswith(prefix) and (file := folder / path[len(prefix) :]).is_file():
                self._send(file.read_bytes(), with_body=with_body)
                return
        self.send_error(HTTPStatus.NOT_FOUND)

    @staticmethod
    def _listing(folder: Path) -> bytes:
        entries = [
            {
                "type": "file",
                "path": str(file.relative_to(folder)),
                "size": file.stat().st_size,
                "oid": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
        return json.dumps(entries).encode()

    def _send(self, content: bytes, *, with_body: bool) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def local_hub(repositories: Mapping[str, Path]) -> Iterator[str]:
    """Its address while it serves `repositories`: name → folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, repositories))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
