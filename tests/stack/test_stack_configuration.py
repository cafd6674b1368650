"""What is derived for a stack agrees with what is deployed."""

import json
from pathlib import Path

import pytest

from tools.stack.binaries import emulator_binaries
from tools.stack.environment import process_environment
from tools.stack.failure import StackError
from tools.stack.java import quick_runtime
from tools.stack.names import BUNDLE, PROJECT, REPOSITORY, summary_path
from tools.stack.ports import USUAL_PORTS
from tools.stack.processes import ProcessIdentity
from tools.stack.summary import Stack
from tools.stack.workspace import Workspace
from trigger.endpoints import BASE_URL_VARIABLE, BY_TOPIC, ENDPOINT_VARIABLE, KEY_VARIABLE


def test_firebase_json_names_the_usual_ports_and_the_bundle() -> None:
    config = json.loads((REPOSITORY / "firebase.json").read_text("utf-8"))
    emulators = config["emulators"]
    ports = {name: each["port"] for name, each in emulators.items() if name in USUAL_PORTS}
    assert {**ports, "websocket": emulators["firestore"]["websocketPort"]} == dict(USUAL_PORTS)
    assert REPOSITORY / config["functions"][0]["source"] == BUNDLE


def test_the_derived_configuration_differs_in_ports_and_paths_only(
    tmp_path: Path, rules_source: Path
) -> None:
    workspace = Workspace(tmp_path)
    workspace.clear()
    ports = {name: usual + 1 for name, usual in USUAL_PORTS.items()}
    workspace.write_config(ports, rules_source)
    derived = json.loads(workspace.config.read_text("utf-8"))
    original = json.loads((REPOSITORY / "firebase.json").read_text("utf-8"))
    assert derived.keys() == original.keys()
    assert derived["functions"][0]["codebase"] == original["functions"][0]["codebase"]
    assert derived["emulators"].keys() == original["emulators"].keys()
    assert derived["emulators"]["auth"] == {"host": "127.0.0.1", "port": ports["auth"]}
    assert (workspace.project / derived["storage"]["rules"]).is_file()


def test_missing_rules_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "state")
    workspace.clear()
    with pytest.raises(StackError, match=r"firestore\.rules is missing"):
        workspace.write_config(dict(USUAL_PORTS), tmp_path)


def test_nothing_real_reaches_the_stacks_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/somewhere/key.json")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "a-real-project")
    for variable in (KEY_VARIABLE, ENDPOINT_VARIABLE, BASE_URL_VARIABLE):
        monkeypatch.setenv(variable, "real")
    for kind in BY_TOPIC.values():
        monkeypatch.setenv(kind.endpoint_variable, "real")
    environment = process_environment("token")
    assert [name for name in environment if name.startswith("RUNPOD_")] == []
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in environment
    assert "FIRESTORE_EMULATOR_HOST" not in environment
    assert environment["GOOGLE_CLOUD_PROJECT"] == PROJECT


def test_a_summary_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    stack = Stack(
        project=PROJECT,
        bucket="bucket",
        region="region",
        state_dir=tmp_path,
        token="token",
        emulators={name: f"127.0.0.1:{port}" for name, port in USUAL_PORTS.items()},
        processes={"firebase": ProcessIdentity(pid=1, started=2.5)},
        log_files={"firebase": tmp_path / "firebase.log"},
        functions=["told"],
        ready_after_seconds={"emulators ready": 5.0},
    )
    assert stack.write() == summary_path(tmp_path)
    assert Stack.read(tmp_path) == stack
    assert not stack.is_alive()
    assert stack.env()["STORAGE_EMULATOR_HOST"] == "http://127.0.0.1:9199"


def test_an_unknown_choice_of_emulators_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERFRAME_EMULATORS", "docker")
    with pytest.raises(ValueError, match="'docker'; allowed are auto, sdk, download"):
        emulator_binaries(quick_runtime())


def test_download_leaves_every_emulator_to_firebase_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERFRAME_EMULATORS", "download")
    binaries = emulator_binaries(quick_runtime())
    assert binaries.variables == {}
    assert not binaries.complete


def test_sdk_without_an_sdk_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMBERFRAME_EMULATORS", "sdk")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CLOUDSDK_ROOT_DIR", "CLOUDSDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StackError, match="no Google Cloud SDK"):
        emulator_binaries(quick_runtime())


def test_the_npm_lock_has_hashes_and_no_registrys_address() -> None:
    lock = json.loads((REPOSITORY / "tools" / "node" / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert entry["integrity"].startswith("sha512-"), name
