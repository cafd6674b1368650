"""What all tests share: one local stack a session, started by the first test that wants it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stack import Stack, running_stack

#: Folder of a stack that is up already (`python -m tools.stack`), for quick repeated runs.
STACK_DIR_VARIABLE = "EMBERFRAME_TEST_STACK"


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: through the fixtures that stop what the tests started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Auth, Firestore, Pub/Sub, Functions and Storage emulators with our rules; no worker."""
    given = os.environ.get(STACK_DIR_VARIABLE)
    if given:
        running = Stack.read(Path(given))
        assert running is not None, f"{STACK_DIR_VARIABLE} is {given!r}, where no stack is"
        yield running
        return
    with running_stack(tmp_path_factory.mktemp("stack"), worker=False) as started:
        yield started
