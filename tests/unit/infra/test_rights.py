"""Who may do what in a deployment: each account its process's rights, and nobody more."""

import json
import re
from collections import defaultdict
from typing import Any

from tests.unit.infra.terraform import account, all_resources, resources

Plan = dict[str, Any]
#: On the project, a topic, a subscription …: what each account may do, and nothing else.
RIGHTS = {
    "enqueue": {"datastore.user", "pubsub.publisher"},
    "cleanup": {"datastore.user", "storage.objectUser", "secretmanager.secretAccessor"},
    "sweep": {
        "datastore.user", "pubsub.publisher", "storage.objectUser", "secretmanager.secretAccessor",
        "NOTIFIER",
    },
    "dispatch": {"datastore.user", "secretmanager.secretAccessor"},
    "notify": {"datastore.user", "NOTIFIER"},
    "worker": {
        "datastore.user", "pubsub.subscriber", "storage.objectUser", "storage.objectViewer",
        "secretmanager.secretAccessor",
    },
    "builder": {"artifactregistry.writer", "logging.logWriter", "storage.objectViewer"},
    "trigger": {"eventarc.eventReceiver", "run.invoker"},
    "scheduler": {"run.invoker"},
    "pusher": set(),
    "autoscaler": {
        "monitoring.viewer", "parametermanager.parameterViewer", "run.developer",
        "iam.serviceAccountUser",
    },
}  # fmt: skip
#: The one role of our own, as a plan has it.
NOTIFIER = "google_project_iam_custom_role:emberframeNotifier:name"
#: How the types of resources that grant something end.
GRANTS = ("_iam_member", "_iam_binding", "_iam_policy")
#: Rights that are only given on the whole project, for want of anything smaller.
ON_THE_PROJECT = {
    "datastore.user", "artifactregistry.writer", "logging.logWriter", "eventarc.eventReceiver",
    "monitoring.viewer", "parametermanager.parameterViewer",
    "firebaserules.firestoreServiceAgent", "NOTIFIER",
}  # fmt: skip


def grants(plan: Plan) -> list[tuple[str, str, str]]:
    """(kind of resource, member, role) of every grant."""
    return [
        (kind, values.get("member", ""), values.get("role", "").replace(NOTIFIER, "roles/NOTIFIER"))
        for _, kind, values in all_resources(plan)
        if kind.endswith(GRANTS)
    ]


def test_nobody_gets_a_primitive_role_and_nobody_is_everybody(plan: Plan) -> None:
    given = grants(plan)
    assert len(given) > 20
    for _, member, role in given:
        assert re.fullmatch(r"roles/(\w+\.\w+|NOTIFIER)", role)
        assert not role.endswith((".admin", ".owner", ".editor"))
        assert role.partition("/")[2].partition(".")[0] not in ("basic", "owner", "editor")
        assert member
    assert "allUsers" not in json.dumps(plan)
    assert "allAuthenticatedUsers" not in json.dumps(plan)
    # A binding or policy would take away what others were given by hand.
    kinds = {kind for kind, _, _ in given}
    assert {kind for kind in kinds if not kind.endswith("_iam_member")} == set()


def test_each_account_has_the_rights_that_its_process_needs_and_no_other(
    plans: dict[str, Plan],
) -> None:
    given = defaultdict(set)
    for plan in plans.values():
        for kind, member, role in grants(plan):
            given[member].add(role.removeprefix("roles/"))
            if kind == "google_project_iam_member":
                assert role.removeprefix("roles/") in ON_THE_PROJECT
    for name, rights in RIGHTS.items():
        assert given.pop(account(name, "member"), set()) == rights, name
    # Pub/Sub's agent, and a pod whose tokens are exchanged.
    agent = "google_project_service_identity:pubsub.googleapis.com:member"
    assert given.pop(agent) == {
        "pubsub.publisher", "pubsub.subscriber", "iam.serviceAccountTokenCreator",
    }  # fmt: skip
    # storage.rules may look a document up.
    agent = "google_project_service_identity:firebasestorage.googleapis.com:member"
    assert given.pop(agent) == {"firebaserules.firestoreServiceAgent"}
    ((pod, rights),) = given.items()
    assert pod.endswith("/subject/pod:emberframe-worker")
    assert rights == {"iam.workloadIdentityUser"}


def test_the_role_of_our_own_sends_messages_and_is_there_where_that_is_done(
    plans: dict[str, Plan],
) -> None:
    (role,) = resources(plans["other"], "google_project_iam_custom_role").values()
    assert role["permissions"] == ["cloudmessaging.messages.create"]
    services = resources(plans["other"], "google_project_service")
    assert "fcm.googleapis.com" in services
    for other in ("small", "runpod"):
        assert resources(plans[other], "google_project_iam_custom_role") == {}
        assert "fcm.googleapis.com" not in resources(plans[other], "google_project_service")
        assert "roles/NOTIFIER" not in {role for _, _, role in grants(plans[other])}
        functions = resources(plans[other], "google_cloudfunctions2_function")
        assert "notify" not in functions


def test_every_service_account_is_used_by_a_process(plans: dict[str, Plan]) -> None:
    made = {
        values["account_id"].removeprefix("emberframe-")
        for values in resources(plans["other"], "google_service_account").values()
    }
    assert made == set(RIGHTS)
    for name in made:
        ids = [account(name, attribute) for attribute in ("email", "id")]
        users = [
            address
            for plan in plans.values()
            for address, kind, values in all_resources(plan)
            if kind != "google_service_account" and not kind.endswith(GRANTS)
            if any(it in json.dumps(values) for it in ids)
        ]
        assert users, f"nothing runs as {name}"


def test_each_function_runs_as_itself_and_only_eventarc_or_the_scheduler_may_call_it(
    plan: Plan,
) -> None:
    functions = resources(plan, "google_cloudfunctions2_function")
    invokers = resources(plan, "google_cloud_run_v2_service_iam_member")
    for name, values in functions.items():
        service = values["service_config"][0]
        owner = "dispatch" if name.startswith("dispatch") else name
        assert service["service_account_email"] == account(owner, "email")
        assert service["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
        caller = "trigger" if values["event_trigger"] else "scheduler"
        assert invokers[name]["member"] == account(caller, "member")


def test_secrets_are_made_empty_and_each_is_read_by_who_may(plans: dict[str, Plan]) -> None:
    kinds = {kind for plan in plans.values() for _, kind, _ in all_resources(plan)}
    # Both would put what is secret into the state.
    assert not kinds & {"google_secret_manager_secret_version", "google_service_account_key"}
    plan = plans["other"]
    made = {it["secret_id"] for it in resources(plan, "google_secret_manager_secret").values()}
    assert made == {"RUNPOD_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    read = set()
    for values in resources(plan, "google_cloudfunctions2_function").values():
        service = values["service_config"][0]
        for it in service["secret_environment_variables"]:
            assert it["key"] == it["secret"]
            read.add((it["secret"], service["service_account_email"]))
    for kind in ("google_cloud_run_v2_worker_pool", "google_cloud_run_v2_service"):
        for values in resources(plan, kind).values():
            template = values["template"][0]
            for it in template["containers"][0]["env"]:
                for source in it["value_source"]:
                    secret = source["secret_key_ref"][0]["secret"]
                    assert secret == it["name"]
                    read.add((secret, template["service_account"]))
    allowed = {
        (it["secret_id"], it["member"].replace(":member", ":email"))
        for it in resources(plan, "google_secret_manager_secret_iam_member").values()
    }
    assert {secret for secret, _ in read} == made
    assert read == allowed
    for other in ("small", "runpod"):
        assert resources(plans[other], "google_secret_manager_secret") == {}


def test_no_file_is_public_and_no_variable_is_a_secret(plan: Plan) -> None:
    buckets = resources(plan, "google_storage_bucket")
    assert set(buckets) == {"files", "source"}
    for bucket in buckets.values():
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["public_access_prevention"] == "enforced"
    secret = re.compile("TOKEN|_KEY|SECRET|PASSWORD")
    for address, _, values in all_resources(plan):
        # Plain variables: of functions a table, of containers a list.
        named = re.findall(r'"([A-Z0-9_]+)": "', json.dumps(values))
        named += re.findall(r'"name": "([A-Z0-9_]+)", "value": "', json.dumps(values))
        assert [it for it in named if secret.search(it)] == [], address
