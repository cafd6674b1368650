"""From an accepted document to a job at RunPod: Firestore, Pub/Sub and the function host are real.

RunPod is the local double of its API.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from shared.paths import IMAGE_TOPIC, GenerationPath
from tests.contract.runpod_service import Fault, RunPodService, State, running_runpod
from tests.databases import database_of
from tests.emulator.dispatch_deployment import (
    CREATED,
    ENDPOINT,
    LONG_AGO,
    PROJECT,
    PROMPT,
    Deployment,
    claimed_by_a_worker,
    overdue,
)
from tests.emulator.function_host import FunctionHost, MessageEvents, deliver_deletion
from tools import bundle
from tools.stack import Stack
from trigger.adapters.pubsub import PubSubPublisher

pytestmark = pytest.mark.stack

ALIVE = (State.IN_QUEUE, State.IN_PROGRESS)


@pytest.fixture(scope="module")
def runpod() -> Iterator[RunPodService]:
    with running_runpod(ENDPOINT) as service:
        yield service


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dispatch") / "trigger"
    bundle.build(folder)
    return folder


@pytest.fixture(scope="module")
def settings(stack: Stack, runpod: RunPodService) -> dict[str, str]:
    return {
        **stack.env(),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "GCLOUD_PROJECT": PROJECT,
        "RUNPOD_IMAGE_ENDPOINT_ID": ENDPOINT,
        "RUNPOD_ENDPOINT_BASE_URL": runpod.base_url,
        # As the platform hands it on from Secret Manager, written there with `echo`.
        "RUNPOD_API_KEY": f"{runpod.key}\n",
    }


@pytest.fixture(scope="module")
def host(folder: Path, settings: dict[str, str]) -> Iterator[FunctionHost]:
    host = FunctionHost("dispatch_image", folder, settings)
    yield host
    host.kill()


@pytest.fixture(scope="module")
def events(
    publisher_client: PublisherClient, subscriber_client: SubscriberClient, host: FunctionHost
) -> Iterator[MessageEvents]:
    topic = f"projects/{PROJECT}/topics/{IMAGE_TOPIC}"
    subscription = f"projects/{PROJECT}/subscriptions/eventarc"
    publisher_client.create_topic(name=topic)
    subscriber_client.create_subscription(name=subscription, topic=topic, ack_deadline_seconds=60)
    with MessageEvents(subscriber_client, subscription, host) as events:
        yield events


@pytest.fixture(scope="module")
def deployment(
    stack: Stack, publisher_client: PublisherClient, runpod: RunPodService, events: MessageEvents
) -> Iterator[Deployment]:
    with database_of(stack, PROJECT) as client:
        yield Deployment(client, PubSubPublisher(publisher_client, PROJECT), runpod, events)


@pytest.fixture(autouse=True)
def clean_slate(deployment: Deployment) -> Iterator[None]:
    """No test's sweep finds what another one left, however long that took."""
    yield
    deployment.runpod.on_run = lambda _: None
    deployment.runpod.faults.clear()
    for document in deployment.client.collection("users/ann/generations").list_documents():
        document.delete()


def test_an_accepted_document_becomes_one_job_with_all_that_a_worker_needs(
    deployment: Deployment,
) -> None:
    path = deployment.accept(input={"prompt": PROMPT, "seed": 7, "use_cloud_storage": False})
    job_id = deployment.dispatched(path)
    assert deployment.jobs_of(path) == [job_id]
    assert deployment.runpod.jobs[job_id].request == {
        "input": {
            "prompt": PROMPT,
            "seed": 7,
            "use_cloud_storage": True,
            "user_id": "ann",
            "file_uid": path.generation_id,
            "dispatched": True,
        },
        "policy": {"executionTimeout": 1_500_000, "ttl": 21_600_000},
    }
    document = deployment.read(path)
    assert document["status"] == "queued"
    assert document["dispatch"].items() >= {"endpoint": ENDPOINT, "token": 0}.items()
    assert document["dispatch"]["at"] <= document["updated_at"]
    log = deployment.host.log.read_text()
    assert job_id in log
    assert PROMPT not in log
    assert deployment.runpod.key not in log


def test_ten_messages_at_once_leave_one_job_that_the_document_names(
    deployment: Deployment,
) -> None:
    path = deployment.accept()
    for _ in range(9):
        deployment.publish(path)
    deployment.events.wait_for(str(path), 200, count=10)
    named = deployment.read(path)["dispatch"]["job_id"]
    assert deployment.jobs_of(path, *ALIVE) == [named]


def test_a_lost_reply_leaves_a_second_job_whose_worker_finds_the_document_taken(
    deployment: Deployment,
) -> None:
    deployment.runpod.faults["run"] = deque([Fault.LOSE_REPLY])
    path = deployment.accept()
    named = deployment.dispatched(path)
    jobs = deployment.jobs_of(path, *ALIVE)
    assert (len(jobs), jobs[-1]) == (2, named)
    assert [claimed_by_a_worker(deployment, path) for _ in jobs] == [True, False]


def test_a_wrong_key_fails_the_event_which_comes_again_until_it_is_right(
    deployment: Deployment,
) -> None:
    deployment.runpod.faults["run"] = deque([401, 401])
    path = deployment.accept()
    job_id = deployment.dispatched(path)
    assert deployment.events.answers[str(path), 500] == 2
    assert deployment.jobs_of(path) == [job_id]
    lines = [line for line in deployment.host.lines() if line.get("generation") == str(path)]
    assert [line["severity"] for line in lines] == ["ERROR", "ERROR", "INFO"]
    assert lines[0]["reason"] == "RunPod does not take RUNPOD_API_KEY (HTTP 401)"


def test_a_request_that_runpod_refuses_fails_with_a_sentence(deployment: Deployment) -> None:
    deployment.runpod.faults["run"] = deque([400])
    path = deployment.accept()
    deployment.events.wait_for(str(path), 200)
    document = deployment.read(path)
    assert (document["status"], document["error"]["code"]) == ("failed", "unsupported_task")
    assert deployment.jobs_of(path) == []


def test_killed_between_job_and_note_it_hands_over_again_and_one_worker_has_it(
    deployment: Deployment,
) -> None:
    killed: list[str] = []

    def kill(job_id: str) -> None:
        if not killed:
            killed.append(job_id)
            deployment.host.kill()

    deployment.runpod.on_run = kill
    path = deployment.accept()
    deployment.events.wait_for(str(path), 0)
    assert "dispatch" not in deployment.read(path)
    deployment.host.start()
    named = deployment.dispatched(path)
    assert deployment.jobs_of(path, *ALIVE) == [*killed, named]
    assert [claimed_by_a_worker(deployment, path) for _ in range(2)] == [True, False]


def test_cancelled_before_its_message_comes_it_ends_without_a_job(deployment: Deployment) -> None:
    path = GenerationPath(uid="ann", generation_id=uuid4().hex)
    queued = {**CREATED, "status": "queued", "cancel_requested": True, "created_at": LONG_AGO}
    deployment.client.document(str(path)).create(queued)
    deployment.publish(path)
    deployment.events.wait_for(str(path), 200)
    assert deployment.read(path)["status"] == "cancelled"
    assert deployment.jobs_of(path) == []


def test_cancelled_after_it_the_sweep_ends_the_job_and_the_document(
    deployment: Deployment,
) -> None:
    path = deployment.accept()
    job_id = deployment.dispatched(path)
    deployment.write(path, cancel_requested=True)
    deployment.publish(path)
    deployment.events.wait_for(str(path), 200, count=2)
    assert deployment.jobs_of(path, *ALIVE) == [job_id]
    assert deployment.sweep().faults == []
    assert deployment.read(path)["status"] == "cancelled"
    assert deployment.jobs_of(path, State.CANCELLED) == [job_id]


def test_the_job_of_a_deleted_document_is_cancelled_by_the_function_that_hears_of_it(
    deployment: Deployment, folder: Path, settings: dict[str, str]
) -> None:
    path = deployment.accept()
    job_id = deployment.dispatched(path)
    fields = deployment.read(path)
    deployment.client.document(str(path)).delete()
    host = FunctionHost("cleanup", folder, settings)
    try:
        assert deliver_deletion(host, PROJECT, str(path), fields) == 200
    finally:
        host.kill()
    assert deployment.jobs_of(path, State.CANCELLED) == [job_id]
    told = {line["message"]: line for line in host.lines()}
    assert told["withdraw"]["cancelled"] is True
    assert told["cleanup"]["severity"] == "INFO", host.log.read_text()


def test_two_sweeps_at_once_ask_after_a_job_that_waits_and_start_none(
    deployment: Deployment,
) -> None:
    path = deployment.accept()
    job_id = deployment.dispatched(path)
    overdue(deployment, path)
    with ThreadPoolExecutor(2) as pool:
        swept = list(pool.map(lambda _: deployment.sweep(), range(2)))
    published = sum(one.counts["republished"] for one in swept)
    assert published in (1, 2)
    deployment.events.wait_for(str(path), 200, count=1 + published)
    assert deployment.jobs_of(path) == [job_id]
    asked_after = [one.job_id for one in deployment.runpod.asked if one.operation == "status"]
    assert asked_after.count(job_id) == published


@pytest.mark.parametrize("end", [State.FAILED, State.TIMED_OUT, State.CANCELLED, State.COMPLETED])
def test_a_job_that_ended_without_a_claim_has_a_successor_after_the_next_sweep(
    deployment: Deployment, end: State
) -> None:
    path = deployment.accept()
    first = deployment.dispatched(path)
    deployment.runpod.move(first, end)
    overdue(deployment, path)
    assert deployment.sweep().counts["republished"] == 1
    deployment.events.wait_for(str(path), 200, count=2)
    document = deployment.read(path)
    (second,) = deployment.jobs_of(path, *ALIVE)
    assert (document["dispatch"]["job_id"], document["attempt"]) == (second, 1)


def test_a_job_whose_worker_died_has_a_successor_once_runpod_knows(deployment: Deployment) -> None:
    path = deployment.accept()
    first = deployment.dispatched(path)
    assert claimed_by_a_worker(deployment, path)
    overdue(deployment, path)
    deployment.write(path, lease={**deployment.read(path)["lease"], "expires_at": LONG_AGO})
    deployment.runpod.forget(first)
    assert deployment.sweep().counts["rescued"] == 1
    deployment.events.wait_for(str(path), 200, count=2)
    document = deployment.read(path)
    (second,) = deployment.jobs_of(path)
    # The claim counted the attempt already.
    assert (document["dispatch"]["job_id"], document["attempt"]) == (second, 1)
