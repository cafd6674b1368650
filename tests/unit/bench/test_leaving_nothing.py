"""However a benchmark ends, all that it has started ends with it."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.groups import running_group
from tests.unit.bench.leaving import STAYS
from tools.stack.names import REPOSITORY
from tools.stack.waiting import wait_until

LEAVES = "tests.unit.bench.leaving"
SECONDS = 60.0


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "pid"
    monkeypatch.setenv("LEAVING_PID", str(file))
    return file


def opened(pid_file: Path) -> int:
    """A descriptor of the process, once it is there; it is readable when that has ended."""
    deadline = time.monotonic() + SECONDS
    assert wait_until(pid_file.exists, deadline=deadline, check=lambda: None)
    return os.pidfd_open(int(pid_file.read_text()))


def ends(process: int) -> bool:
    readable, _, _ = select.select([process], [], [], SECONDS)
    os.close(process)
    return bool(readable)


def has_ended(pid_file: Path) -> bool:
    try:
        process = os.pidfd_open(int(pid_file.read_text()))
    except ProcessLookupError:
        return True
    readable, _, _ = select.select([process], [], [], 0)
    os.close(process)
    return bool(readable)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_benchmark_that_is_broken_off_leaves_nobody_behind(
    how: signal.Signals, pid_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAVING_END", "hangs")
    command = [sys.executable, "-m", "bench.reporting", LEAVES, str(tmp_path / "results.json")]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as running:
        left = opened(pid_file)
        running.send_signal(how)
        assert ends(left)
        assert running.wait(SECONDS) != 0


def test_make_bench_that_is_killed_ends_the_benchmark_and_what_that_has_started(
    pid_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAVING_END", "hangs")
    script = (
        "import pathlib, sys; from bench.__main__ import run_all; "
        f"run_all({{'B7': {LEAVES!r}}}, pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "results.json")]
    with subprocess.Popen(command, cwd=REPOSITORY) as running:
        left = opened(pid_file)
        running.kill()
        assert ends(left)


@pytest.mark.parametrize(("how", "failed"), [("done", []), ("raises", ["B7"])])
def test_a_benchmark_that_is_over_leaves_nobody_behind(
    how: str, failed: list[str], pid_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAVING_END", how)
    assert bench.run_all({"B7": LEAVES}, tmp_path / "results.json") == failed
    assert has_ended(pid_file)


def test_a_group_ends_with_its_block_and_not_only_the_one_who_was_started(pid_file: Path) -> None:
    """As LitServe does, the one that was started leaves a child behind when told to go."""
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    command = [sys.executable, "-c", parent, STAYS, str(pid_file)]
    with running_group(command, env={}, stdout=subprocess.DEVNULL) as process:
        left = opened(pid_file)
    assert process.returncode == -signal.SIGTERM
    assert ends(left)
