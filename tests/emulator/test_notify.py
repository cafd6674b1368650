"""From an end to the devices: Firestore and the function host are real, FCM is the local double."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.cloud import firestore
from google.events.cloud.firestore import DocumentEventData

from gpu_worker.adapters.firestore import FirestoreDocuments as WorkerDocuments
from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from shared.clock import SystemClock
from shared.in_memory import InMemoryPublisher
from shared.paths import IMAGE_TOPIC, GenerationPath
from tests.contract.fcm_service import Answer, Fault, FcmService, running_fcm
from tests.databases import database_of
from tests.emulator.function_host import (
    TIMEOUT_SECONDS,
    FunctionHost,
    document_headers,
    event_document,
)
from tools import bundle
from tools.stack import Stack
from trigger.adapters.fcm import FcmPush
from trigger.adapters.fcm_access import fcm_access
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_notices import FirestoreNotices
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.enqueue import Outcome, enqueue
from trigger.notification_settings import Wording
from trigger.notify import Notifier

pytestmark = pytest.mark.stack

#: Of its own, so that the stack's functions see none of its documents.
PROJECT = f"demo-notify-{uuid4().hex[:8]}"
PROMPT = "a red circle that nobody may log"
EVENTS = 10


@dataclass(frozen=True)
class Deployment:
    client: firestore.Client
    fcm: FcmService
    host: FunctionHost

    def end(self, uid: str, prompt: str | None = PROMPT) -> GenerationPath:
        """A generation that is accepted, claimed and completed; without a prompt it is refused."""
        path = GenerationPath(uid=uid, generation_id=uuid4().hex)
        created = {"input": {"prompt": prompt} if prompt else {}, "status": "pending"}
        self.client.document(str(path)).create(created)
        outcome = enqueue(
            str(path),
            created,
            documents=FirestoreDocuments(self.client),
            publisher=InMemoryPublisher((IMAGE_TOPIC,)),
            notify=True,
        )
        assert outcome is (Outcome.ACCEPTED if prompt else Outcome.REFUSED)
        if prompt:
            documents = WorkerDocuments(self.client)
            held = take(
                documents, SystemClock(), path, worker_id="w", on_cancel_requested=lambda: None
            )
            assert isinstance(held, LeasedDocument)
            held.end(lambda it: it.to_completed({"files": []}, {}, {}))
        return path

    def note(self, uid: str, *tokens: str) -> None:
        for token in tokens:
            fields = {"token": token, "platform": "ios", "updated_at": firestore.SERVER_TIMESTAMP}
            self.client.document(f"users/{uid}/devices/of-{token}").set(fields)

    def devices(self, uid: str) -> list[str]:
        found = self.client.collection(f"users/{uid}/devices").list_documents()
        return sorted(one.id.removeprefix("of-") for one in found)

    def deliver(self, path: GenerationPath, times: int = 1) -> list[int]:
        """The event that the notice was made, so often at once; the host's HTTP statuses."""
        document = event_document(PROJECT, path.notice, {})
        body = bytes(DocumentEventData.serialize(DocumentEventData(value=document)))
        headers = document_headers("created", path.notice, project=PROJECT)
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client,
            ThreadPoolExecutor(times) as pool,
        ):
            answers = pool.map(
                lambda _: client.post(self.host.address, content=body, headers=headers),
                range(times),
            )
            return [answer.status_code for answer in answers]

    def outcomes(self, path: GenerationPath) -> list[Any]:
        lines = [line for line in self.host.lines() if line.get("generation") == str(path)]
        return sorted(line.get("outcome") or line["severity"] for line in lines)

    def shown(self, token: str) -> list[Any]:
        return [message["data"] for message in self.fcm.shown[token]]

    def is_noted(self, path: GenerationPath) -> bool:
        return bool(self.client.document(path.notice).get().exists)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notify") / "trigger"
    bundle.build(folder)
    return folder


@pytest.fixture(scope="module")
def fcm() -> Iterator[FcmService]:
    with running_fcm(project=PROJECT) as service:
        yield service


@pytest.fixture(scope="module")
def settings(stack: Stack, fcm: FcmService) -> dict[str, str]:
    return {
        **stack.env(),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "GCLOUD_PROJECT": PROJECT,
        "EMBERFRAME_NOTIFICATIONS": "on",
        "EMBERFRAME_FCM_EMULATOR_HOST": fcm.host,
    }


@pytest.fixture(scope="module")
def deployment(
    stack: Stack, fcm: FcmService, folder: Path, settings: dict[str, str]
) -> Iterator[Deployment]:
    host = FunctionHost("notify", folder, settings)
    with database_of(stack, PROJECT) as client:
        yield Deployment(client, fcm, host)
    host.kill()


def test_one_event_ten_times_at_once_tells_each_device_once(deployment: Deployment) -> None:
    deployment.fcm.register("ann-phone", "ann-tablet", "bob-phone")
    deployment.note("ann", "ann-phone", "ann-tablet")
    deployment.note("bob", "bob-phone")
    path = deployment.end("ann")
    assert deployment.deliver(path, EVENTS) == [200] * EVENTS
    told = {"generation": path.generation_id, "status": "completed", "kind": "image"}
    assert deployment.shown("ann-phone") == deployment.shown("ann-tablet") == [told]
    assert deployment.shown("bob-phone") == []
    assert not deployment.is_noted(path)
    outcomes = deployment.outcomes(path)
    assert (len(outcomes), outcomes.count("told")) == (EVENTS, 1)
    assert set(outcomes) <= {"told", "held", "already_done"}
    # And as late as it likes.
    assert deployment.deliver(path) == [200]
    assert deployment.shown("ann-phone") == [told]


def test_a_refused_request_is_told_and_nothing_that_the_person_wrote_is_sent_or_logged(
    deployment: Deployment,
) -> None:
    deployment.fcm.register("cleo-phone")
    deployment.note("cleo", "cleo-phone")
    path = deployment.end("cleo", prompt=None)
    deployment.deliver(path)
    assert deployment.shown("cleo-phone") == [
        {"generation": path.generation_id, "status": "failed"}
    ]
    whole = deployment.host.log.read_text() + str(deployment.fcm.shown)
    assert PROMPT not in whole
    assert "cleo-phone" not in deployment.host.log.read_text().replace("of-cleo-phone", "")


def test_a_person_without_devices_leaves_nothing_behind(deployment: Deployment) -> None:
    path = deployment.end("nobody")
    asked = len(deployment.fcm.asked)
    deployment.deliver(path)
    assert deployment.outcomes(path) == ["no_devices"]
    assert not deployment.is_noted(path)
    assert len(deployment.fcm.asked) == asked


def test_stale_tokens_are_forgotten_and_a_busy_service_costs_none(deployment: Deployment) -> None:
    deployment.fcm.register("dan-new")
    deployment.note("dan", "dan-sold", "no token at all", "dan-new")
    path = deployment.end("dan")
    # The newest is asked first.
    deployment.fcm.faults.append(Answer(429, "QUOTA_EXCEEDED"))
    deployment.deliver(path)
    assert deployment.devices("dan") == ["dan-new"]
    assert deployment.shown("dan-new") == []
    assert deployment.outcomes(path) == ["postponed"]
    assert deployment.is_noted(path)


def test_wrong_credentials_fail_the_event_and_forget_nobody(deployment: Deployment) -> None:
    deployment.fcm.register("eva-phone")
    deployment.note("eva", "eva-phone")
    path = deployment.end("eva")
    deployment.fcm.bearer = "another"
    try:
        assert deployment.deliver(path) == [500]
    finally:
        deployment.fcm.bearer = "owner"
    assert deployment.devices("eva") == ["eva-phone"]
    (line,) = [line for line in deployment.host.lines() if line.get("generation") == str(path)]
    assert line["reason"] == "FCM does not take the function's credentials (HTTP 401)"


def test_killed_between_message_and_note_it_is_told_again_under_the_same_tag(
    deployment: Deployment,
) -> None:
    deployment.fcm.register("fay-phone")
    deployment.note("fay", "fay-phone")
    path = deployment.end("fay")

    def kill(_: str) -> None:
        deployment.fcm.on_shown = lambda _: None
        deployment.host.kill()

    deployment.fcm.on_shown = kill
    with pytest.raises(httpx.TransportError):
        deployment.deliver(path)
    deployment.host.start()
    assert deployment.deliver(path) == [200]
    assert len(deployment.fcm.shown["fay-phone"]) == 1
    # As the sweep finds it when the claim has lapsed.
    deployment.client.document(path.notice).update(
        {"again_after": deployment.client.document(path.notice).get().get("at")}
    )
    deployment.deliver(path)
    tags = [it["apns"]["headers"]["apns-collapse-id"] for it in deployment.fcm.shown["fay-phone"]]
    assert len(tags) == 2
    assert len(set(tags)) == 1
    assert not deployment.is_noted(path)


def test_a_lost_reply_and_a_sweep_beside_it_leave_each_device_told_under_one_tag(
    deployment: Deployment,
) -> None:
    deployment.fcm.register("gil-phone")
    deployment.note("gil", "gil-phone")
    path = deployment.end("gil")
    deployment.fcm.faults.append(Fault.LOSE_REPLY)
    notices = FirestoreNotices(deployment.client)
    notifier = Notifier(
        documents=FirestoreDocuments(deployment.client),
        search=FirestoreSearch(deployment.client),
        notices=notices,
        push=FcmPush(lambda: fcm_access(deployment.fcm.address, PROJECT)),
        clock=SystemClock(),
        wording=Wording(by_key=False, images=False),
    )
    with ThreadPoolExecutor(2) as pool:
        event = pool.submit(deployment.deliver, path)
        beside = pool.submit(notifier.notify, path)
        assert event.result() == [200]
        beside.result()
    tags = {it["android"]["notification"]["tag"] for it in deployment.fcm.shown["gil-phone"]}
    assert tags == {path.generation_id}
    assert len(deployment.fcm.shown["gil-phone"]) == 2
    assert not deployment.is_noted(path)
