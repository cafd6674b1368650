"""`python -m bench.input_images`: counts the attempts on the wall of input images, all made anew.

The same cases as the tests', through the same wall and the same TLS server; one that gets over it
ends the run with 1.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.report import write_section
from shared.errors import InvalidInput
from tests.unit.input_images.cases import (
    HOSTS,
    PRIVATE_ADDRESSES,
    WRONG_ADDRESSES,
    WRONG_REDIRECTS,
)
from tests.unit.input_images.certificates import Authority
from tests.unit.input_images.conftest import Worker
from tests.unit.input_images.web import PUBLIC, WebServer, answer, running_server

URL = f"https://{HOSTS[0]}/a.png"


def main() -> int:
    authority = Authority()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(authority.server(HOSTS[:1], Path(folder))) as server,
    ):
        counts = {
            what: sum(attempts)
            for what, attempts in (
                ("addresses of a wrong form, host, scheme or file", _addresses(server, authority)),
                ("names that lead to no public address", _names(server, authority)),
                ("the same beside a public one", _names(server, authority, PUBLIC)),
                ("redirects to where nothing may be fetched", _redirects(server, authority)),
            )
        }
    rows = [[what, str(count)] for what, count in counts.items()]
    write_section(
        "refused-addresses",
        ["attempts, each refused as `invalid_input`", ""],
        [*rows, ["all", str(sum(counts.values()))]],
    )
    return 0


def _addresses(server: WebServer, authority: Authority) -> Iterator[int]:
    for url in WRONG_ADDRESSES:
        yield _refused(Worker(server, authority), url)


def _names(server: WebServer, authority: Authority, *beside: str) -> Iterator[int]:
    for address in PRIVATE_ADDRESSES:
        yield _refused(Worker(server, authority, {HOSTS[0]: [[*beside, address]]}), URL)


def _redirects(server: WebServer, authority: Authority) -> Iterator[int]:
    for location in WRONG_REDIRECTS:
        server.routes["/a.png"] = answer(status="302 Found", location=location)
        yield _refused(Worker(server, authority), URL)


def _refused(worker: Worker, url: str) -> int:
    """1; ends the run if it is not refused."""
    try:
        worker.fetch(url)
    except InvalidInput:
        return 1
    raise SystemExit(f"{url!r} was fetched")


if __name__ == "__main__":
    sys.exit(main())
