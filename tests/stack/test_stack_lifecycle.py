"""Real stacks start, live side by side, fail with a reason, and leave nothing behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.stack.caller import Caller
from tests.stack.log_lines import log_lines
from tools.stack import Stack, StackError, bring_up, running_stack, take_down
from tools.stack.names import HOST, REPOSITORY, summary_path
from tools.stack.ports import can_listen, reserved_ports
from tools.stack.processes import marked_with

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def squatters() -> Iterator[list[int]]:
    """Servers of somebody else on the ports that a stack would take next."""
    with reserved_ports() as ports:
        wanted = list(ports.values())
    sockets = []
    for port in wanted:
        server = socket.socket()
        server.bind((HOST, port))
        server.listen()
        sockets.append(server)
    yield wanted
    for server in sockets:
        server.close()


def _tool(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tools.stack", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_second_stack_runs_beside_and_leaves_the_first_alone(
    stack: Stack,
    tmp_path: Path,
    functions_source: Path,
    rules_source: Path,
    squatters: list[int],
) -> None:
    with running_stack(
        tmp_path, worker=False, functions_source=functions_source, rules_source=rules_source
    ) as second:
        assert not set(second.emulators.values()) & set(stack.emulators.values())
        taken = {f"{HOST}:{port}" for port in squatters}
        assert not set(second.emulators.values()) & taken
        assert Caller(second).create("users/somebody-else/generations/x", {}) == 403
        assert summary_path(tmp_path).is_file()
    assert not marked_with(second.token)
    assert not summary_path(tmp_path).exists()
    for address in second.emulators.values():
        assert can_listen(int(address.rpartition(":")[2]))
    assert stack.is_alive()
    for service in ("auth", "firestore", "pubsub", "storage"):
        host, _, port = stack.emulators[service].rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()


def test_the_caller_s_bound_of_images_reaches_the_functions(
    tmp_path: Path,
    functions_source: Path,
    rules_source: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBERFRAME_MAX_IMAGES", "5")
    with (
        running_stack(
            tmp_path, worker=False, functions_source=functions_source, rules_source=rules_source
        ) as stack,
        log_lines(stack.log_files["firebase"]) as lines,
    ):
        caller = Caller(stack)
        assert caller.create(f"users/{caller.uid}/generations/bounded", {}) == 200
        told = next(line for line in lines if "told of bounded" in line)
    assert "allowing 5 images" in told


def test_up_and_down_from_the_shell_twice_leave_nothing(
    tmp_path: Path, functions_source: Path, rules_source: Path
) -> None:
    state = ["--state", str(tmp_path)]
    sources = ["--functions", str(functions_source), "--rules", str(rules_source)]
    for _ in range(2):
        up = _tool("up", "--no-worker", *state, *sources)
        assert up.returncode == 0, up.stderr
        stack = Stack.read(tmp_path)
        assert stack is not None
        assert stack.functions == ["told"]
        app = f"http://{stack.web}/"
        assert "<title>Emberframe</title>" in httpx.get(app).text
        again = _tool("up", "--no-worker", *state, *sources)
        assert "already up" in again.stdout
        status = _tool("status", *state)
        assert status.returncode == 0
        assert all(app in said.stdout for said in (up, again, status))
        before = {process.pid for process in marked_with(stack.token)}
        assert stack.processes["firebase"].pid in before
        assert _tool("down", *state).returncode == 0
        assert not [pid for pid in before if psutil.pid_exists(pid)]
    again = _tool("down", *state)
    assert (again.returncode, again.stdout) == (0, "No stack was running.\n")
    assert _tool("status", *state).returncode == 1


def test_a_function_that_does_not_load_fails_the_start_with_a_sentence(
    tmp_path: Path, rules_source: Path
) -> None:
    broken = tmp_path / "functions"
    broken.mkdir()
    (broken / "main.py").write_text("raise RuntimeError('no')", "utf-8")
    state = tmp_path / "state"
    up = _tool(
        *("up", "--no-worker", "--no-web"),
        *("--state", str(state)),
        *("--functions", str(broken)),
        *("--rules", str(rules_source)),
    )
    log = state / "logs" / "functions.log"
    assert up.returncode == 1
    assert up.stderr == f"The functions' main.py does not load. The log is {log}\n"
    assert "RuntimeError: no" in log.read_text("utf-8")
    assert not summary_path(state).exists()


def test_a_worker_that_stops_fails_the_start_with_a_sentence(
    tmp_path: Path,
    functions_source: Path,
    rules_source: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBERFRAME_SLOTS", "none")
    with pytest.raises(StackError, match=r"The worker stopped while starting, exit code \d+\."):
        bring_up(tmp_path, functions_source=functions_source, rules_source=rules_source)
    assert "slots" in (tmp_path / "logs" / "worker.log").read_text("utf-8").lower()
    assert take_down(tmp_path) == 0


def test_emulators_that_cannot_be_had_fail_the_start_with_their_reason(
    tmp_path: Path,
    functions_source: Path,
    rules_source: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBERFRAME_EMULATORS", "download")
    monkeypatch.setenv("FIREBASE_EMULATORS_PATH", str(tmp_path / "nothing-downloaded"))
    # A proxy that nobody serves: no download can succeed, on a machine with internet neither.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(StackError, match="The emulators stopped while starting: Failed to make"):
        bring_up(
            tmp_path / "state",
            worker=False,
            functions_source=functions_source,
            rules_source=rules_source,
        )
    assert take_down(tmp_path / "state") == 0


@pytest.mark.parametrize("name", ["firestore.rules", "storage.rules"])
def test_rules_that_do_not_compile_fail_the_start_and_nothing_stays(
    tmp_path: Path, functions_source: Path, rules_source: Path, name: str
) -> None:
    broken = tmp_path / "rules"
    broken.mkdir()
    for rules in rules_source.iterdir():
        (broken / rules.name).write_text(rules.read_text("utf-8"), "utf-8")
    (broken / name).write_text("rules_version = '2'; service {", "utf-8")
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(StackError, match=f"{name} was refused"):
        bring_up(
            tmp_path / "state",
            worker=False,
            functions_source=functions_source,
            rules_source=broken,
        )
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert after <= before


def test_what_a_killed_up_had_started_is_cleaned_by_down(
    tmp_path: Path, functions_source: Path, rules_source: Path
) -> None:
    command = [sys.executable, "-m", "tools.stack", "up", "--no-worker", "--no-web"]
    command += ["--state", str(tmp_path), "--functions", str(functions_source)]
    command += ["--rules", str(rules_source)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as up:
        for line in up.stdout or []:
            if line.startswith("Starting the emulators"):
                break
        log = tmp_path / "logs" / "firebase.log"
        with log_lines(log) as lines:
            for line in lines:
                if "Firestore Emulator logging" in line:  # a JVM in a session of its own
                    break
        up.kill()
    assert take_down(tmp_path) >= 2
    assert not [
        process for process in psutil.process_iter() if str(tmp_path) in " ".join(_command(process))
    ]


def test_interrupting_up_leaves_nothing(
    tmp_path: Path, functions_source: Path, rules_source: Path
) -> None:
    command = [sys.executable, "-m", "tools.stack", "up", "--no-worker", "--no-web"]
    command += ["--state", str(tmp_path), "--functions", str(functions_source)]
    command += ["--rules", str(rules_source)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        for line in up.stdout or []:
            if line.startswith("Starting the emulators"):
                break
        up.terminate()
        _, complaint = up.communicate(timeout=60)
    assert up.returncode == 130
    assert complaint == "Interrupted; nothing was left running.\n"
    assert take_down(tmp_path) == 0


def _command(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
    return words
