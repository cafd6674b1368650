"""The demo's last words: where the web app is, and that it waits there only for a person."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from tools.demo.offering import offer_app
from tools.stack import Stack
from tools.stack.names import DEFAULT_STATE_DIR, DEMO_STATE_DIR


def a_stack(state_dir: Path, web: str | None) -> Stack:
    return Stack(
        project="demo-emberframe",
        bucket="bucket",
        region="us-central1",
        state_dir=state_dir,
        token="token",
        emulators={},
        processes={},
        log_files={},
        functions=[],
        ready_after_seconds={},
        web=web,
    )


@pytest.mark.parametrize(
    ("state_dir", "web", "waits"),
    [
        (DEMO_STATE_DIR, "127.0.0.1:4173", True),
        (DEFAULT_STATE_DIR, "127.0.0.1:4173", False),
        (DEMO_STATE_DIR, None, False),
    ],
    ids=["its own stack", "the stack of make up", "no terminal"],
)
def test_only_the_demo_s_own_app_is_waited_for(
    state_dir: Path, web: str | None, waits: bool
) -> None:
    printed = io.StringIO()
    asked: list[str] = []
    offer_app(a_stack(state_dir, web), Console(file=printed, width=100), asked.append)
    assert (f"http://{web}/" in printed.getvalue()) == (web is not None)
    assert ("make up" in printed.getvalue()) == (web is None)
    assert asked == (["Enter ends the demo. "] if waits else [])


def test_a_terminal_that_closes_ends_the_demo_as_enter_does() -> None:
    def closed(_: str) -> None:
        raise EOFError

    offer_app(a_stack(DEMO_STATE_DIR, "127.0.0.1:1"), Console(file=io.StringIO()), closed)
