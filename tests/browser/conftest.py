"""One browser, one worker and one server of the app for all tests of this folder.

Each test has a context of its own, so somebody new signs in; what the page complains of fails it.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.tab import Tab, Window
from tests.e2e.browser import open_browser
from tests.e2e.conftest import running_worker
from tools.stack import Stack
from tools.stack.worker import Worker
from tools.web.process import WebServer

#: Vite on two busy cores.
BUILD_SECONDS = 120.0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def worker(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with running_worker(stack, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture(scope="package")
def app(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address."""
    place: Path = tmp_path_factory.mktemp("web")
    server = WebServer.start(
        project=stack.project,
        bucket=stack.bucket,
        emulators=stack.emulators,
        environment=dict(os.environ),
        address_file=place / "address",
        log=place / "web.log",
    )
    try:
        yield f"http://{server.wait_until_ready(deadline=time.monotonic() + BUILD_SECONDS)}/"
    finally:
        server.process.terminate()
        server.process.wait()


@pytest.fixture
def window(browser: Browser, app: str) -> Iterator[Window]:
    """Somebody new, with no tab open yet."""
    with browser.new_context(viewport={"width": 1180, "height": 900}) as context:
        window = Window(context, app)
        yield window
        window.assert_no_complaints()


@pytest.fixture
def tab(window: Window, worker: Worker) -> Tab:
    """The app, opened and signed in, with a worker behind it."""
    return window.open_tab()
