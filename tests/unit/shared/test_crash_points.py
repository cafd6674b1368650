"""A crash point does nothing unless two switches say so; then it does what was armed, once."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared import crash_points
from shared.crash_points import (
    ARMED_VARIABLE,
    DESK_VARIABLE,
    EXIT_CODE,
    TEST_VARIABLE,
    TEST_WORDS,
    Action,
    Arming,
    CrashPoint,
    CrashPoints,
)
from tests.chaos.desk import Desk

REPOSITORY = Path(crash_points.__file__).parents[1]
#: Beside threads that are free to take any signal.
PASSES_IN_A_THREAD = """
import os, threading
from shared.crash_points import CrashPoint, crash_point
def passes():
    crash_point(CrashPoint.CLAIMED)
    os.write(1, b"after")
thread = threading.Thread(target=passes)
thread.start()
thread.join()
"""
PASSES_TWICE = (
    "from shared.crash_points import CrashPoint, crash_point;"
    "crash_point(CrashPoint.CLAIMED); print('once', flush=True);"
    "crash_point(CrashPoint.CLAIMED); print('twice', flush=True)"
)
TIMEOUT_SECONDS = 30


def process(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PASSES_TWICE],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def test_without_a_test_nothing_happens() -> None:
    assert process().stdout == "once\ntwice\n"


@pytest.mark.parametrize("words", ["", "1", "true", TEST_WORDS.upper()])
def test_an_armed_point_without_the_second_switch_does_nothing(words: str) -> None:
    armed = {ARMED_VARIABLE: "claimed:1:SIGKILL", TEST_VARIABLE: words}
    ended = process(**armed)
    assert (ended.returncode, ended.stdout) == (0, "once\ntwice\n")


@pytest.mark.parametrize(
    ("action", "code"), [("SIGKILL", -9), ("SIGTERM", -15), ("exit", EXIT_CODE)]
)
def test_an_armed_point_ends_the_process_at_the_passing_that_was_named(
    action: str, code: int
) -> None:
    armed = {ARMED_VARIABLE: f"claimed:2:{action}", TEST_VARIABLE: TEST_WORDS}
    ended = process(**armed)
    assert (ended.returncode, ended.stdout) == (code, "once\n")


def test_a_desk_that_nobody_sits_at_keeps_nobody_waiting(tmp_path: Path) -> None:
    ended = process(
        **{
            ARMED_VARIABLE: "claimed:*:hold",
            TEST_VARIABLE: TEST_WORDS,
            DESK_VARIABLE: str(tmp_path / "nobody"),
        }
    )
    assert (ended.returncode, ended.stdout) == (0, "once\ntwice\n")


def test_a_thread_that_is_stopped_at_a_point_does_not_go_a_step_further() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PASSES_IN_A_THREAD],
        cwd=REPOSITORY,
        env={ARMED_VARIABLE: "claimed:1:SIGSTOP", TEST_VARIABLE: TEST_WORDS},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.set_blocking(process.stdout.fileno(), False)
    assert process.stdout.read() is None
    os.set_blocking(process.stdout.fileno(), True)
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert output == b"after"


def test_the_desk_hears_of_a_point_and_may_let_the_process_pass() -> None:
    armed = Arming(point=CrashPoint.CLAIMED, passing=None, action=Action.SIGKILL)
    with Desk() as desk:
        process = subprocess.Popen(
            [sys.executable, "-c", PASSES_TWICE],
            cwd=REPOSITORY,
            env=desk.env(armed),
            stdout=subprocess.PIPE,
        )
        first = desk.next_visit(TIMEOUT_SECONDS)
        assert (first.point, first.passing, first.pid) == (CrashPoint.CLAIMED, 1, process.pid)
        first.let_pass()
        second = desk.next_visit(TIMEOUT_SECONDS)
        assert process.poll() is None
        second.proceed()
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert second.passing == 2
    assert (process.returncode, output) == (-9, b"once\n")


def test_a_desk_that_waits_for_one_passing_lets_all_others_pass() -> None:
    armed = Arming(point=CrashPoint.CLAIMED, passing=None, action=Action.SIGKILL)
    with Desk() as desk:
        desk.hold_at(CrashPoint.CLAIMED, 2)
        process = subprocess.Popen(
            [sys.executable, "-c", PASSES_TWICE], cwd=REPOSITORY, env=desk.env(armed)
        )
        visit = desk.next_visit(TIMEOUT_SECONDS)
        assert visit.passing == 2
        visit.let_pass()
        assert process.wait(TIMEOUT_SECONDS) == 0


def test_a_desk_may_mean_one_generation_and_lets_the_others_pass() -> None:
    armed = Arming(point=CrashPoint.CLAIMED, passing=None, action=Action.EXIT)
    passes = "; ".join(
        f"crash_point(CrashPoint.CLAIMED, {about!r})"
        for about in ("users/ada/generations/good/1", "", "users/ada/generations/bad one/2")
    )
    program = f"from shared.crash_points import CrashPoint, crash_point; {passes}"
    with Desk() as desk:
        desk.hold_none()
        desk.hold_each(CrashPoint.CLAIMED, "users/ada/generations/bad one")
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPOSITORY, env=desk.env(armed)
        )
        visit = desk.next_visit(TIMEOUT_SECONDS)
        assert (visit.passing, visit.about) == (3, "users/ada/generations/bad one/2")
        visit.proceed()
        assert process.wait(TIMEOUT_SECONDS) == EXIT_CODE


@pytest.mark.parametrize(
    "text",
    ["claimed", "claimed:0:SIGKILL", "claimed:1:SIGSEGV", "lunch:1:exit", "claimed:one:exit"],
)
def test_what_cannot_be_armed_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{ARMED_VARIABLE} has {text!r}; it must be")):
        CrashPoints({ARMED_VARIABLE: text, TEST_VARIABLE: TEST_WORDS})


def test_an_arming_is_written_as_it_is_read() -> None:
    for text in ("claimed:1:SIGKILL", "step:*:hold"):
        assert str(Arming.parse(text)) == text


@pytest.mark.parametrize("point", CrashPoint)
def test_the_worker_passes_every_point_at_one_place(point: CrashPoint) -> None:
    call = re.compile(rf"\bcrash_point\(CrashPoint\.{point.name}\b")
    sources = [path.read_text() for path in (REPOSITORY / "gpu_worker").rglob("*.py")]
    assert sum(len(call.findall(source)) for source in sources) == 1
