"""What must hold of every deployment: nothing is lost in silence, nothing costs unasked."""

import json
import re
from pathlib import Path
from typing import Any

from gpu_worker.intake.subscription import LEASED_SECONDS
from tests.unit.infra.terraform import Terraform, account, all_resources, resources
from tools.deploy.script import STATE
from tools.stack.messaging import ACK_DEADLINE_SECONDS

Plan = dict[str, Any]
IMAGE = f"europe-docker.pkg.dev/a-project/emberframe/worker@sha256:{'a' * 64}"


def test_a_message_that_nobody_takes_is_set_aside_and_told(plan: Plan) -> None:
    every = [
        values for _, kind, values in all_resources(plan) if kind == "google_pubsub_subscription"
    ]
    assert len(every) >= 3
    agents = {
        values["subscription"]
        for _, kind, values in all_resources(plan)
        if kind == "google_pubsub_subscription_iam_member"
        and "google_project_service_identity" in values["member"]
    }
    for values in every:
        assert values["expiration_policy"] == [{"ttl": ""}]
        if values["name"].endswith("-dead"):
            assert values["topic"] == f"google_pubsub_topic:{values['name']}:id"
            continue
        kind = values["name"].rpartition("-")[0]
        assert values["dead_letter_policy"] == [{
            "dead_letter_topic": f"google_pubsub_topic:{kind}-dead:id",
            "max_delivery_attempts": 100,
        }]  # fmt: skip
        assert values["retry_policy"][0]["minimum_backoff"] == "1s"
        assert values["name"] in agents
        if not values["push_config"]:
            # It counts until a worker first leases a message by itself, and where that never got it
            # since the pull that brought it had ended.
            assert values["ack_deadline_seconds"] == LEASED_SECONDS == ACK_DEADLINE_SECONDS
    alerts = resources(plan, "google_monitoring_alert_policy")
    assert "-dead" in alerts["dead_letters"]["conditions"][0]["condition_threshold"][0]["filter"]


def test_an_event_whose_function_failed_comes_again(plan: Plan) -> None:
    functions = resources(plan, "google_cloudfunctions2_function")
    triggers = {name: it for name, values in functions.items() for it in values["event_trigger"]}
    assert {"enqueue", "cleanup"} <= set(triggers)
    assert {it["retry_policy"] for it in triggers.values()} == {"RETRY_POLICY_RETRY"}
    # And what has no event is called by a job.
    assert set(functions) - set(triggers) == {"sweep"}
    jobs = resources(plan, "google_cloud_scheduler_job")
    assert jobs["sweep"]["http_target"][0]["oidc_token"][0]["service_account_email"] == account(
        "scheduler", "email"
    )


def test_what_is_pushed_is_signed_and_checked_by_the_same_words(plans: dict[str, Plan]) -> None:
    plan = plans["other"]
    service = resources(plan, "google_cloud_run_v2_service")["0"]
    environment = {it["name"]: it["value"] for it in service["template"][0]["containers"][0]["env"]}
    pushed = [
        values
        for _, kind, values in all_resources(plan)
        if kind == "google_pubsub_subscription" and values["push_config"]
    ]
    (push,) = (it["push_config"][0] for it in pushed)
    assert push["push_endpoint"] == "google_cloud_run_v2_service:emberframe-push:uri/push"
    assert push["oidc_token"] == [{
        "audience": environment["EMBERFRAME_PUSH_AUDIENCE"],
        "service_account_email": environment["EMBERFRAME_PUSH_ACCOUNT"],
    }]  # fmt: skip
    assert environment["EMBERFRAME_PUSH_ACCOUNT"] == account("pusher", "email")
    assert service["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert service["template"][0]["max_instance_request_concurrency"] == int(
        environment["EMBERFRAME_SLOTS"]
    )
    assert pushed[0]["ack_deadline_seconds"] == 600


def test_the_small_deployment_has_one_gpu_at_most_and_none_when_nobody_asks(
    plans: dict[str, Plan],
) -> None:
    plan = plans["small"]
    (pool,) = resources(plan, "google_cloud_run_v2_worker_pool").values()
    assert pool["scaling"][0]["manual_instance_count"] == 0
    limits = pool["template"][0]["containers"][0]["resources"][0]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    assert pool["template"][0]["node_selector"][0]["accelerator"] == "nvidia-l4"
    (version,) = resources(plan, "google_parameter_manager_parameter_version").values()
    text = version["parameter_data"]
    assert '"minReplicaCount": 0' in text
    assert '"maxReplicaCount": 1' in text
    assert f"workerpools/{pool['name']}" in text
    for name in ("generate-image-worker", "generate-video-worker"):
        assert f"subscriptions/{name}" in text
    assert resources(plan, "google_cloud_scheduler_job")["0"]["schedule"] == "* * * * *"
    # Where there is no pool there is no autoscaler.
    assert resources(plans["other"], "google_parameter_manager_parameter") == {}


def test_the_size_of_every_pool_is_the_autoscaler_s_a_steady_one_s_too(
    terraform: Terraform, tmp_path: Path
) -> None:
    file = tmp_path / "steady.tfvars.json"
    pools = {"steady": {"min": 2, "max": 2}, "spare": {"max": 3}}
    file.write_text(json.dumps({"project": "a-project", "image": IMAGE, "pools": pools}))
    plan = terraform.plan(file)
    assert set(resources(plan, "google_cloud_run_v2_worker_pool")) == set(pools)
    (version,) = resources(plan, "google_parameter_manager_parameter_version").values()
    # Names of a mapping are in the order of the alphabet.
    sizes = re.findall(r'"(m\w\w)ReplicaCount": (\d+)', version["parameter_data"])
    assert sizes == [("max", "3"), ("min", "0"), ("max", "2"), ("min", "2")]
    targets = re.findall(r"workerpools/([\w-]+)", version["parameter_data"])
    assert targets == ["emberframe-spare", "emberframe-steady"]
    allowed = resources(plan, "google_cloud_run_v2_worker_pool_iam_member")
    assert set(allowed) == set(pools)


def test_the_apis_that_terraform_asks_first_are_turned_on_before_it_and_stay_on(
    plan: Plan,
) -> None:
    (enabled,) = re.findall(r"^gcloud services enable (.+) \\$", STATE, re.MULTILINE)
    # Projects and their rights are read through the one, other APIs turned on through the other.
    first = {"cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"}
    assert first <= set(enabled.split())
    kept = resources(plan, "google_project_service")
    assert "cloudresourcemanager.googleapis.com" in kept
    assert all(it["disable_on_destroy"] is False for it in kept.values())


def test_an_older_bundle_of_functions_is_kept_for_a_rollback_and_not_for_ever(plan: Plan) -> None:
    bucket = resources(plan, "google_storage_bucket")["source"]
    assert bucket["versioning"] == [{"enabled": True}]
    (rule,) = bucket["lifecycle_rule"]
    assert [it["type"] for it in rule["action"]] == ["Delete"]
    (condition,) = rule["condition"]
    # Its name has its content's hash, so no version of it is ever newer; and the current one is
    # what runs, however old.
    asked = {name: value for name, value in condition.items() if isinstance(value, int) and value}
    assert asked == {"days_since_noncurrent_time": 90}
    (source,) = resources(plan, "google_storage_bucket_object").values()
    assert re.fullmatch(r"functions/.{20,}\.zip", source["name"])


def test_the_deployment_for_pods_runs_no_worker_at_googles(plans: dict[str, Plan]) -> None:
    plan = plans["runpod"]
    for kind in ("google_cloud_run_v2_worker_pool", "google_cloud_run_v2_service"):
        assert resources(plan, kind) == {}
    (provider,) = resources(plan, "google_iam_workload_identity_pool_provider").values()
    assert provider["oidc"][0]["issuer_uri"].startswith("https://")
    assert provider["attribute_condition"] == 'assertion.sub == "pod:emberframe-worker"'


def test_every_alert_reaches_somebody_and_says_where_to_look(plans: dict[str, Plan]) -> None:
    wanted = {
        "Work waits too long", "A dead letter", "Too many generations fail", "Leases lapse",
        "Functions fail", "A GPU idles", "GPUs cost much today",
    }  # fmt: skip
    alerts = [
        values
        for _, kind, values in all_resources(plans["small"])
        if kind == "google_monitoring_alert_policy"
    ]
    assert {it["display_name"].removeprefix("Emberframe: ") for it in alerts} == wanted
    for alert in alerts:
        assert len(alert["notification_channels"]) == 1
        assert len(alert["documentation"][0]["content"]) > 50
    (budget,) = resources(plans["small"], "google_billing_budget").values()
    assert budget["amount"][0]["specified_amount"][0]["units"] == "100"
    assert len(budget["all_updates_rule"][0]["monitoring_notification_channels"]) == 1


def test_the_dashboard_shows_what_waits_what_is_made_what_fails_and_what_it_costs(
    plan: Plan,
) -> None:
    (dashboard,) = resources(plan, "google_monitoring_dashboard").values()
    layout = json.loads(dashboard["dashboard_json"])["mosaicLayout"]
    places = {(it["xPos"], it["yPos"]) for it in layout["tiles"]}
    assert len(places) == len(layout["tiles"]) >= 8
    assert all(x + 6 <= layout["columns"] for x, _ in places)
    shown = json.dumps(layout)
    for metric in (
        "oldest_unacked_message_age", "emberframe/failed", "emberframe/lease_lapses",
        "container/instance_count", "container/billable_instance_time",
    ):  # fmt: skip
        assert metric in shown
