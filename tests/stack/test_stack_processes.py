"""Only the processes of one stack are ended, wherever they hid."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tools.stack.names import TOKEN_VARIABLE
from tools.stack.processes import ProcessIdentity, ask_to_end, kill_marked, marked_with

#: Says that it is there, then waits for its input to end, which it does when the test is over.
WAITING = "print('here', flush=True); input()"
#: Starts a waiting grandchild in a session of its own and leaves it behind.
LEAVING = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True);"
    "print(child.pid, flush=True)"
)


@pytest.fixture
def waiting() -> Iterator["subprocess.Popen[str]"]:
    """A process without a token."""
    with _start(WAITING) as process:
        yield process
        process.kill()


def _start(code: str, *arguments: str, token: str | None = None) -> "subprocess.Popen[str]":
    environment = {**os.environ, **({TOKEN_VARIABLE: token} if token else {})}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if code == WAITING:
        assert process.stdout.readline() == "here\n"
    return process


def test_a_process_that_left_its_session_and_its_parent_is_found_and_ended() -> None:
    with _start(LEAVING, WAITING, token="one-stack") as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        assert parent.wait() == 0
        assert orphan.pid in {process.pid for process in marked_with("one-stack")}
        assert kill_marked("one-stack") == {orphan.pid}
        assert not psutil.pid_exists(orphan.pid)


def test_processes_of_another_stack_and_of_none_are_left_alone(
    waiting: "subprocess.Popen[str]",
) -> None:
    with _start(WAITING, token="other-stack") as other:
        assert kill_marked("one-stack") == set()
        assert other.poll() is None
        assert waiting.poll() is None
        assert kill_marked("other-stack") == {other.pid}


def test_a_recycled_pid_is_not_taken_for_the_process_that_had_it(
    waiting: "subprocess.Popen[str]",
) -> None:
    identity = ProcessIdentity.of(waiting.pid)
    assert identity.find() is not None
    earlier = dataclasses.replace(identity, started=identity.started - 1)
    assert earlier.find() is None
    assert ask_to_end(earlier, grace_seconds=0)
    assert waiting.poll() is None


def test_a_process_that_is_asked_to_end_ends(waiting: "subprocess.Popen[str]") -> None:
    identity = ProcessIdentity.of(waiting.pid)
    assert ask_to_end(identity, grace_seconds=5)
    assert identity.find() is None
