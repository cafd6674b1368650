"""The deploy folder: equal to the tree, whole or absent, and working on its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import bundle
from tools.bundle import REPOSITORY

IMPORT_TIMEOUT_SECONDS = 60

#: Heavy libraries that wait for the first event; one import of them costs a cold start.
LAZY = (
    "google.cloud.pubsub_v1",
    "google.pubsub_v1",
    "google.cloud.storage",
    "boto3",
    "pydantic",
    "shared.parse",
    "tenacity",
    "trigger.adapters.fcm",
    "trigger.enqueue",
    "trigger.notify",
    "trigger.sweep",
    "trigger.wiring",
)

LOOK = """
import json, sys
sys.path.insert(0, ".")
import main
import shared
def trigger(endpoint):
    if endpoint.scheduleTrigger:
        return ["schedule", endpoint.scheduleTrigger["schedule"]]
    event = endpoint.eventTrigger
    return [event["eventType"], event["eventFilterPathPatterns"]["document"]]
functions = {
    name: trigger(function.__firebase_endpoint__)
    for name, function in vars(main).items()
    if hasattr(function, "__firebase_endpoint__")
}
print(json.dumps([functions, shared.__file__, sorted(sys.modules)]))
"""

#: What firebase-tools asks a bundle for before it deploys anything.
MANIFEST = """
import json, yaml
from firebase_functions.private import serving
print(json.dumps(yaml.safe_load(serving.functions_as_yaml(serving.get_functions()))))
"""

FRAMEWORK = """
import sys
sys.path.insert(0, ".")
from functions_framework import create_app
app = create_app("enqueue", "main.py", "cloudevent")
print(app.test_client().post("/", json={"not": "an event"}).status_code)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "trigger"
    bundle.build(folder)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def run(folder: Path, code: str, **settings: str) -> str:
    """What `code` prints in an interpreter that knows nothing of this repository."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-W", "error", "-c", code],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=IMPORT_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bundle_is_the_tree_and_nothing_else(target: Path) -> None:
    expected = {
        f"{package}/{file.relative_to(REPOSITORY / package).as_posix()}": file.read_bytes()
        for package in ("trigger", "shared")
        for file in (REPOSITORY / package).rglob("*.py")
    }
    expected["main.py"] = expected.pop("trigger/main.py")
    expected["requirements.txt"] = (REPOSITORY / "requirements" / "trigger.lock").read_bytes()
    assert files_of(target) == expected


def test_every_requirement_of_the_bundle_is_pinned_with_a_hash(target: Path) -> None:
    text = (target / "requirements.txt").read_text("utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []
    assert any(line.startswith("functions-framework==") for line in requirements)


def test_the_bundle_registers_its_functions_in_a_clean_interpreter(target: Path) -> None:
    functions, shared_file, _ = json.loads(run(target, LOOK))
    document = "users/{uid}/generations/{generation_id}"
    assert functions == {
        "enqueue": ["google.cloud.firestore.document.v1.created", document],
        "cleanup": ["google.cloud.firestore.document.v1.deleted", document],
        "sweep": ["schedule", "* * * * *"],
    }
    assert Path(shared_file) == target / "shared" / "__init__.py"


def test_loading_the_bundle_loads_nothing_that_an_event_needs_first(target: Path) -> None:
    loaded = json.loads(run(target, LOOK))[2]
    assert [name for name in LAZY if name in loaded] == []


def manifest(target: Path, **settings: str) -> Any:
    return json.loads(run(target, MANIFEST, **settings))


def test_without_an_endpoint_a_deployment_asks_for_no_secret_of_runpod(target: Path) -> None:
    wanted = manifest(target, RUNPOD_ENDPOINT_ID="", RUNPOD_API_KEY="rpa_forgotten")
    assert sorted(wanted["endpoints"]) == ["cleanup", "enqueue", "sweep"]
    assert "RUNPOD" not in json.dumps(wanted)
    assert "rpa_forgotten" not in json.dumps(wanted)


@pytest.mark.parametrize("value", ["", "off", "true"])
def test_without_notifications_there_is_no_function_that_tells(target: Path, value: str) -> None:
    wanted = manifest(target, EMBERFRAME_NOTIFICATIONS=value)
    assert "notify" not in wanted["endpoints"]
    assert "notices" not in json.dumps(wanted)


def test_with_notifications_a_function_hears_of_notices_and_gets_no_secret(target: Path) -> None:
    wanted = manifest(target, EMBERFRAME_NOTIFICATIONS="on")["endpoints"]
    assert sorted(wanted) == ["cleanup", "enqueue", "notify", "sweep"]
    trigger = wanted["notify"]["eventTrigger"]
    assert trigger["eventType"] == "google.cloud.firestore.document.v1.created"
    patterns = trigger["eventFilterPathPatterns"]
    assert patterns["document"] == "users/{uid}/notices/{generation_id}"
    assert not wanted["notify"].get("secretEnvironmentVariables")


S3_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]


@pytest.mark.parametrize(
    ("settings", "secrets"),
    [
        ({}, []),
        ({"EMBERFRAME_STORE": "firebase"}, []),
        ({"EMBERFRAME_STORE": "s3"}, S3_KEYS),
        (
            {"EMBERFRAME_STORE": "s3", "RUNPOD_ENDPOINT_ID": "sdxl"},
            ["RUNPOD_API_KEY", *S3_KEYS],
        ),
    ],
)
def test_the_functions_that_remove_files_are_given_the_keys_of_s3_where_these_lie_there(
    target: Path, settings: dict[str, str], secrets: list[str]
) -> None:
    endpoints = manifest(target, **settings)["endpoints"]
    given = {
        name: [one["key"] for one in endpoints[name].get("secretEnvironmentVariables") or []]
        for name in ("enqueue", "cleanup", "sweep")
    }
    assert given == {"enqueue": [], "cleanup": secrets, "sweep": secrets}


def test_with_an_endpoint_those_that_talk_to_runpod_get_its_key_from_secret_manager(
    target: Path,
) -> None:
    wanted = manifest(target, RUNPOD_VIDEO_ENDPOINT_ID="wan", RUNPOD_API_KEY="rpa_a_secret")
    secrets = {
        name: [one["key"] for one in endpoint.get("secretEnvironmentVariables") or []]
        for name, endpoint in wanted["endpoints"].items()
    }
    key = ["RUNPOD_API_KEY"]
    assert secrets == {"cleanup": key, "dispatch_video": key, "enqueue": [], "sweep": key}
    assert [(it["name"], it["type"]) for it in wanted["params"]] == [("RUNPOD_API_KEY", "secret")]
    trigger = wanted["endpoints"]["dispatch_video"]["eventTrigger"]
    assert trigger["eventType"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert (trigger["eventFilters"], trigger["retry"]) == ({"topic": "generate-video"}, True)
    assert "rpa_a_secret" not in json.dumps(wanted)


def test_one_endpoint_for_all_deploys_a_function_a_topic(target: Path) -> None:
    wanted = manifest(target, RUNPOD_ENDPOINT_ID="all")
    assert {"dispatch_image", "dispatch_video"} <= set(wanted["endpoints"])


def test_the_function_host_loads_the_bundle_and_refuses_what_is_no_event(target: Path) -> None:
    assert run(target, FRAMEWORK).strip() == "400"


def test_building_again_changes_nothing(target: Path) -> None:
    before = (target / "main.py").stat()
    assert bundle.build(target) is False
    assert (target / "main.py").stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "main.py").write_text("# edited"),
        lambda folder: (folder / "shared" / "left_over.py").touch(),
        lambda folder: (folder / "trigger" / "enqueue.py").unlink(),
        lambda folder: (folder / "requirements.txt").write_text("torch"),
    ],
    ids=["edited", "left over", "missing", "other requirements"],
)
def test_a_bundle_that_differs_is_built_anew(target: Path, spoil: object) -> None:
    good = files_of(target)
    assert callable(spoil)
    spoil(target)
    assert bundle.is_current(target) is False
    assert bundle.build(target) is True
    assert files_of(target) == good


def test_a_virtual_environment_and_settings_in_the_folder_survive(
    target: Path, tmp_path: Path
) -> None:
    (tmp_path / "environment").mkdir()
    (target / "venv").symlink_to(tmp_path / "environment")
    (target / ".env.demo").write_text("EMBERFRAME_REGION=europe-west1")
    (target / "main.py").write_text("# edited")
    assert bundle.build(target) is True
    assert (target / "venv").readlink() == tmp_path / "environment"
    assert (target / ".env.demo").read_text() == "EMBERFRAME_REGION=europe-west1"
    assert bundle.is_current(target)


def test_byte_code_beside_the_modules_is_no_difference(target: Path) -> None:
    cache = target / "shared" / "__pycache__"
    cache.mkdir()
    (cache / "paths.cpython-311.pyc").touch()
    assert bundle.is_current(target)


def test_nothing_is_left_beside_the_bundle(target: Path) -> None:
    (target / "main.py").write_text("# edited")
    bundle.build(target)
    assert [entry.name for entry in target.parent.iterdir()] == [target.name]
