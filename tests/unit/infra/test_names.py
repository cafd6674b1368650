"""Names that Terraform and the code both have are the same, as is what both say of functions."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from gpu_worker.__main__ import SERVICES
from gpu_worker.lifecycle.control import StopReason
from gpu_worker.push_settings import PushSettings
from gpu_worker.settings import Settings
from gpu_worker.store_settings import StoreSettings
from shared import paths
from shared.errors import ErrorCode
from tests.unit.infra.terraform import all_resources, resources
from tools.provider_schema import REPOSITORY
from trigger.endpoints import endpoints_from
from trigger.notification_settings import Wording, double_from, is_on, wording_from
from trigger.settings import admission_from, limits_from
from trigger.settling import Settled

Plan = dict[str, Any]
#: Those of the plan `other` that say which functions there are.
OTHER_SETTINGS = {
    "RUNPOD_VIDEO_ENDPOINT_ID": "abc123",
    "EMBERFRAME_STORE": "s3",
    "EMBERFRAME_NOTIFICATIONS": "on",
}
#: What an image says of functions, asked in a process of its own: their settings are read once.
MANIFEST = """
import json
import trigger.main as main
endpoints = {n: f.__firebase_endpoint__ for n, f in vars(main).items()
             if hasattr(f, "__firebase_endpoint__")}
print(json.dumps({name: {
    "memory": it.availableMemoryMb, "timeout": it.timeoutSeconds, "instances": it.maxInstances,
    "concurrency": it.concurrency, "cpu": it.cpu,
    "event": (it.eventTrigger or {}).get("eventType"),
    "document": (it.eventTrigger or {}).get("eventFilterPathPatterns", {}).get("document"),
    "secrets": [secret["key"] for secret in it.secretEnvironmentVariables],
    "schedule": (it.scheduleTrigger or {}).get("schedule"),
} for name, it in endpoints.items()}))
"""


@pytest.fixture(scope="module")
def functions() -> dict[str, dict[str, Any]]:
    """What trigger/main.py says in a deployment that is set as the plan `other` is."""
    done = subprocess.run(
        [sys.executable, "-c", MANIFEST],
        check=True,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **OTHER_SETTINGS},
    )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def test_topics_and_subscriptions_are_those_that_the_code_knows(plans: dict[str, Plan]) -> None:
    topics = {
        it["name"] for _, kind, it in all_resources(plans["small"]) if kind == "google_pubsub_topic"
    }
    assert topics == {
        paths.IMAGE_TOPIC, f"{paths.IMAGE_TOPIC}-dead",
        paths.VIDEO_TOPIC, f"{paths.VIDEO_TOPIC}-dead",
    }  # fmt: skip

    def subscriptions(name: str) -> set[str]:
        return {
            it["name"]
            for _, kind, it in all_resources(plans[name])
            if kind == "google_pubsub_subscription" and not it["name"].endswith("-dead")
        }

    assert subscriptions("small") == {paths.IMAGE_SUBSCRIPTION, paths.VIDEO_SUBSCRIPTION}
    assert subscriptions("runpod") == {paths.IMAGE_SUBSCRIPTION, paths.VIDEO_SUBSCRIPTION}
    # Pictures are pushed, and films are fetched by a function: nobody pulls.
    assert subscriptions("other") == {"generate-image-push"}


def test_functions_are_as_the_code_has_them(
    plans: dict[str, Plan], functions: dict[str, dict[str, Any]]
) -> None:
    planned = resources(plans["other"], "google_cloudfunctions2_function")
    wanted = {"enqueue", "cleanup", "sweep", "dispatch_video", "notify"}
    assert set(planned) == set(functions) == wanted
    for name, said in functions.items():
        service = planned[name]["service_config"][0]
        assert planned[name]["build_config"][0]["entry_point"] == name
        assert (
            service["available_memory"], service["timeout_seconds"], service["max_instance_count"],
            service["max_instance_request_concurrency"], service["available_cpu"],
        ) == (
            f"{said['memory']}Mi", said["timeout"], said["instances"],
            said["concurrency"], str(said["cpu"]),
        )  # fmt: skip
        secrets = [it["key"] for it in service["secret_environment_variables"]]
        assert sorted(secrets) == sorted(said["secrets"])
        triggers = planned[name]["event_trigger"]
        assert [it["event_type"] for it in triggers] == ([said["event"]] if said["event"] else [])
        for trigger in triggers:
            filters = {it["attribute"]: it["value"] for it in trigger["event_filters"]}
            if said["document"]:
                is_notice = name == "notify"
                pattern = paths.NOTICE_PATTERN if is_notice else paths.DOCUMENT_PATTERN
                assert filters == {"database": "(default)", "document": pattern}
                assert said["document"] == pattern
            else:
                assert trigger["pubsub_topic"].startswith("google_pubsub_topic:generate-")


def test_the_sweep_is_called_when_the_code_says(
    plan: Plan, functions: dict[str, dict[str, Any]]
) -> None:
    job = resources(plan, "google_cloud_scheduler_job")["sweep"]
    assert job["schedule"] == functions["sweep"]["schedule"]
    assert job["attempt_deadline"] == f"{functions['sweep']['timeout']}s"
    assert job["retry_config"][0]["retry_count"] == 0


def test_functions_run_on_the_python_that_the_local_stack_deploys_for(plan: Plan) -> None:
    firebase = json.loads((REPOSITORY / "firebase.json").read_text())
    runtimes = {
        it["build_config"][0]["runtime"]
        for it in resources(plan, "google_cloudfunctions2_function").values()
    }
    assert runtimes == {firebase["functions"][0]["runtime"]}


def test_indexes_and_exemptions_are_those_of_the_one_file(plan: Plan) -> None:
    file = json.loads((REPOSITORY / "firestore.indexes.json").read_text())
    planned = [
        (it["collection"], it["query_scope"], [(f["field_path"], f["order"]) for f in it["fields"]])
        for it in resources(plan, "google_firestore_index").values()
    ]
    assert sorted(planned) == sorted(
        (
            it["collectionGroup"],
            it["queryScope"],
            [(f["fieldPath"], f["order"]) for f in it["fields"]],
        )
        for it in file["indexes"]
    )
    fields = {
        (it["collection"], it["field"]): (
            len(it["index_config"][0]["indexes"]),
            bool(it["ttl_config"]),
        )
        for it in resources(plan, "google_firestore_field").values()
    }
    assert fields == {
        (it["collectionGroup"], it["fieldPath"]): (len(it["indexes"]), it.get("ttl", False))
        for it in file["fieldOverrides"]
    }
    assert [field for field, (_, lives) in fields.items() if lives] == [
        (paths.GENERATIONS, "expire_at"),
        ("live", "expire_at"),
    ]


def test_rules_are_those_of_the_files_and_hold_for_this_database_and_this_bucket(
    plan: Plan,
) -> None:
    bucket = resources(plan, "google_storage_bucket")["files"]["name"]
    (linked,) = resources(plan, "google_firebase_storage_bucket").values()
    assert linked["bucket_id"] == bucket
    sources = {
        name: it["source"][0]["files"][0]["content"]
        for name, it in resources(plan, "google_firebaserules_ruleset").items()
    }
    for name in ("firestore", "storage"):
        assert sources.pop(name) == (REPOSITORY / f"{name}.rules").read_text()
    assert sources == {}
    releases = resources(plan, "google_firebaserules_release")
    assert {name: it["name"] for name, it in releases.items()} == {
        "firestore": "cloud.firestore",
        "storage": f"firebase.storage/{bucket}",
    }


def test_every_variable_that_is_handed_on_is_a_setting(plans: dict[str, Plan]) -> None:
    handed = {
        name
        for plan in plans.values()
        for _, kind, values in all_resources(plan)
        for name in re.findall(r'"((?:EMBERFRAME|RUNPOD|AWS)_[A-Z0-9_]+)"', json.dumps(values))
    }
    assert {"EMBERFRAME_BUCKET", "EMBERFRAME_TASKS", "EMBERFRAME_QUOTAS"} <= handed
    documented = (REPOSITORY / "docs/settings.md").read_text()
    assert {name for name in handed if f"`{name}`" not in documented} == set()
    assert {"EMBERFRAME_PUSH_AUDIENCE", "EMBERFRAME_PUSH_ACCOUNT"} <= handed


def worker_environments(plan: Plan) -> list[tuple[str, dict[str, str]]]:
    """(command, variables) of every container of the worker's image; secrets have some value."""
    found = []
    for kind in ("google_cloud_run_v2_worker_pool", "google_cloud_run_v2_service"):
        for values in resources(plan, kind).values():
            container = values["template"][0]["containers"][0]
            variables = {it["name"]: it["value"] or "a-secret" for it in container["env"]}
            if "CREMA_CONFIG" not in variables:
                found.append((container["args"][0], variables))
    return found


def test_every_worker_understands_what_it_is_told(
    plans: dict[str, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [it for plan in plans.values() for it in worker_environments(plan)]
    assert sorted(command for command, _ in told) == ["pull", "push"]
    for command, variables in told:
        assert command in SERVICES
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                # Folders that are mounted there are not here, and a plan has no addresses yet.
                if not name.endswith("_DIR"):
                    has_address = value.startswith("google_service_account:")
                    known = "pusher@other-project.iam.gserviceaccount.com" if has_address else value
                    environment.setenv(name, known)
            settings = Settings()
            assert settings.project == variables["GOOGLE_CLOUD_PROJECT"]
            assert settings.tasks.value == variables["EMBERFRAME_TASKS"]
            store = StoreSettings()
            assert store.store.value == variables.get("EMBERFRAME_STORE", "firebase")
            if command == "push":
                assert PushSettings().push_audience == variables["EMBERFRAME_PUSH_AUDIENCE"]


def test_every_function_understands_what_it_is_told(plans: dict[str, Plan]) -> None:
    for name, plan in plans.items():
        for function in resources(plan, "google_cloudfunctions2_function").values():
            environment = function["service_config"][0]["environment_variables"]
            assert admission_from(environment).max_images == 2
            limits = limits_from(environment)
            assert limits is not None
            assert limits.concurrent == (3 if name == "small" else 10)
            assert is_on(environment) is (name == "other")
            told = Wording(by_key=name == "other", images=name == "other")
            assert wording_from(environment) == told
            assert double_from(environment) is None
            endpoints = endpoints_from(environment)
            assert set(endpoints) == ({paths.VIDEO_TOPIC} if name == "other" else set())
            for endpoint in endpoints.values():
                assert endpoint.limits.ttl_seconds == 43_200


def test_worker_and_functions_are_told_the_same_bucket_and_the_same_limits(plan: Plan) -> None:
    name = resources(plan, "google_storage_bucket")["files"]["name"]
    told = [
        it["service_config"][0]["environment_variables"]
        for it in resources(plan, "google_cloudfunctions2_function").values()
    ]
    told += [variables for _, variables in worker_environments(plan)]
    assert {it["EMBERFRAME_BUCKET"] for it in told} == {name}
    for shared in ("EMBERFRAME_MAX_IMAGES", "EMBERFRAME_BLOCKED_TERMS", "GOOGLE_CLOUD_PROJECT"):
        assert len({it.get(shared) for it in told}) == 1
    assert json.loads(told[0]["FIREBASE_CONFIG"])["storageBucket"] == name


def test_the_lines_that_metrics_count_are_lines_that_the_code_writes(plan: Plan) -> None:
    filters = {it["name"]: it["filter"] for it in resources(plan, "google_logging_metric").values()}
    files = [
        file for room in ("gpu_worker", "trigger") for file in (REPOSITORY / room).rglob("*.py")
    ]
    sources = "\n".join(file.read_text() for file in files)
    messages = set(re.findall(r'message="([^"]+)"', " ".join(filters.values())))
    assert messages == {"generated", "failed for good", "swept", "stopped: lease_lost"}
    for message in messages - {"stopped: lease_lost"}:
        assert re.search(rf'(?i:log)\.\w+\("{message}", extra=', sources)
    assert 'log.info("stopped: %s", reason, extra=' in sources
    assert f"stopped: {StopReason.LEASE_LOST}" == "stopped: lease_lost"
    generated, failed = filters["emberframe/generated"], filters["emberframe/failed"]
    assert filters["emberframe/ended"] == f"{generated} OR ({failed})"
    outcomes = set(re.findall(r'outcome="([^"]+)"', " ".join(filters.values())))
    assert outcomes == {Settled.RESCUED.value}
    (codes,) = set(re.findall(r"code=\(([^)]+)\)", filters["emberframe/failed"]))
    assert set(re.findall(r"\w+", codes)) - {"OR"} < {code.value for code in ErrorCode}
