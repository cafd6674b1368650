"""The real stack: every emulator serves, functions fire, rules hold, stacks live side by side."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tools.stack import Stack, StackError, bring_up, running_stack, take_down
from tools.stack.names import HOST, REPOSITORY, SUBSCRIPTIONS, summary_path
from tools.stack.ports import can_listen, reserved_ports
from tools.stack.processes import marked_with

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

PNG = "image/png"


class Caller:
    """A signed-in user of the stack, as a phone would be."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        answer = httpx.post(
            f"http://{stack.auth}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any",
            json={"returnSecureToken": True},
        ).json()
        self.uid: str = answer["localId"]
        self._headers = {"Authorization": f"Bearer {answer['idToken']}"}

    def create(self, path: str, fields: dict[str, object]) -> int:
        collection, _, name = path.rpartition("/")
        root = f"http://{self._stack.firestore}/v1/projects/{self._stack.project}"
        url = f"{root}/databases/(default)/documents/{collection}?documentId={name}"
        return httpx.post(url, json={"fields": fields}, headers=self._headers).status_code

    def upload(self, name: str, content: bytes = b"image", content_type: str = PNG) -> int:
        return httpx.post(
            f"http://{self._stack.storage}/v0/b/{self._stack.bucket}/o",
            params={"name": name},
            content=content,
            headers={**self._headers, "content-type": content_type},
        ).status_code


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Caller:
    return Caller(stack)


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


def test_topics_and_subscriptions_are_there(stack: Stack) -> None:
    answer = httpx.get(f"http://{stack.pubsub}/v1/projects/{stack.project}/subscriptions").json()
    found = {
        each["topic"].rpartition("/")[2]: each["name"].rpartition("/")[2]
        for each in answer["subscriptions"]
    }
    assert found == SUBSCRIPTIONS


def test_a_created_document_reaches_the_function(stack: Stack, caller: Caller) -> None:
    log = stack.log_files["firebase"]
    heard = threading.Event()
    with subprocess.Popen(
        ["tail", "-n", "+1", "-F", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as tail:

        def listen() -> None:
            for line in tail.stdout or []:
                if "told of first" in line:
                    heard.set()
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        assert caller.create(f"users/{caller.uid}/generations/first", {}) == 200
        assert heard.wait(timeout=30)
        tail.kill()
        listener.join()


def test_firestore_rules_are_in_force(caller: Caller) -> None:
    assert caller.create("users/somebody-else/generations/theirs", {}) == 403


def test_storage_rules_tell_owner_size_and_type(caller: Caller) -> None:
    own = f"users/{caller.uid}"
    assert caller.upload(f"{own}/fits.png") == 200
    assert caller.upload("users/somebody-else/fits.png") == 403
    assert caller.upload(f"{own}/large.png", b"x" * 16) == 403
    assert caller.upload(f"{own}/text.png", content_type="text/plain") == 403


def test_a_storage_rule_may_read_two_documents(caller: Caller) -> None:
    for name, is_open in (("one", True), ("two", True), ("shut", False)):
        fields: dict[str, object] = {"open": {"booleanValue": is_open}}
        assert caller.create(f"users/{caller.uid}/cards/{name}", fields) == 200
    assert caller.upload("shared/one/two") == 200
    assert caller.upload("shared/one/shut") == 403
    assert caller.upload("shared/shut/one") == 403
    assert caller.upload("shared/one/absent") == 403


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
        assert "already up" in _tool("up", "--no-worker", *state, *sources).stdout
        assert _tool("status", *state).returncode == 0
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
        "up",
        "--no-worker",
        *("--state", str(state)),
        *("--functions", str(broken)),
        *("--rules", str(rules_source)),
    )
    log = state / "logs" / "functions.log"
    assert up.returncode == 1
    assert up.stderr == f"The functions' main.py does not load. The log is {log}\n"
    assert "RuntimeError: no" in log.read_text("utf-8")
    assert not summary_path(state).exists()


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
    command = [sys.executable, "-m", "tools.stack", "up", "--no-worker", "--state", str(tmp_path)]
    command += ["--functions", str(functions_source), "--rules", str(rules_source)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as up:
        for line in up.stdout or []:
            if line.startswith("Starting the emulators"):
                break
        log = tmp_path / "logs" / "firebase.log"
        with subprocess.Popen(
            ["tail", "-n", "+1", "-F", str(log)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as tail:
            for line in tail.stdout or []:
                if "Firestore Emulator logging" in line:  # a JVM in a session of its own
                    break
            tail.kill()
        up.kill()
    assert take_down(tmp_path) >= 2
    assert not [
        process for process in psutil.process_iter() if str(tmp_path) in " ".join(_command(process))
    ]


def test_interrupting_up_leaves_nothing(
    tmp_path: Path, functions_source: Path, rules_source: Path
) -> None:
    command = [sys.executable, "-m", "tools.stack", "up", "--no-worker", "--state", str(tmp_path)]
    command += ["--functions", str(functions_source), "--rules", str(rules_source)]
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
