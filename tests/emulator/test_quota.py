"""Quotas on the real emulators: many functions at once, and what a phone sees of its usage."""

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.cloud import firestore

from gpu_worker.adapters.firestore import FirestoreDocuments as WorkerDocuments
from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import take
from shared.clock import SystemClock
from shared.document import Generation
from shared.in_memory import InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.usage import Limits
from tests.chaos.ledger import drift
from tests.databases import database_of
from tests.emulator.conftest import Await, Phone
from tests.rules.firestore_rest import REQUEST_TIME
from tools.stack import Stack
from trigger.adapters.firestore import FirestoreDocuments
from trigger.adapters.firestore_search import FirestoreSearch
from trigger.enqueue import Outcome, enqueue
from trigger.reconcile import give_back, reconcile_all

pytestmark = pytest.mark.stack

#: Not the stack's own project, whose functions would accept the documents themselves.
PROJECT = "demo-quota"
AT_ONCE = 12
PLACES = 5


@pytest.fixture
def client(stack: Stack) -> Iterator[firestore.Client]:
    with database_of(stack, PROJECT) as database:
        yield database


class Person:
    """Somebody new, and the functions and workers that serve them."""

    def __init__(self, client: firestore.Client) -> None:
        self.client = client
        self.uid = f"quota-{secrets.token_hex(6)}"
        self.documents = FirestoreDocuments(client)
        self.publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
        self.paths: list[GenerationPath] = []

    def ask(self) -> GenerationPath:
        path = GenerationPath(uid=self.uid, generation_id=f"a.b:{len(self.paths)}@c")
        self.paths.append(path)
        self.client.document(str(path)).create({"input": {"prompt": "x"}, "status": "pending"})
        return path

    def accept(self, path: GenerationPath) -> Outcome:
        return enqueue(
            str(path),
            {"status": "pending"},
            documents=self.documents,
            publisher=self.publisher,
            limits=Limits(concurrent=PLACES),
        )

    def end(self, path: GenerationPath, *, completed: bool) -> None:
        leased = take(
            WorkerDocuments(self.client),
            SystemClock(),
            path,
            worker_id=path.generation_id,
            on_cancel_requested=lambda: None,
        )
        assert isinstance(leased, LeasedDocument)
        leased.end(
            lambda it: it.to_completed({}, {}, {}) if completed else Generation.to_cancelled(it)
        )

    def usage(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.document(self.paths[0].usage).get().to_dict() or {}
        return found

    def drift(self) -> list[str]:
        found = (self.client.document(str(path)).get() for path in self.paths)
        generations = {one.reference.path: one.to_dict() for one in found if one.exists}
        return drift({self.paths[0].usage: self.usage()}, generations)


@pytest.fixture
def person(client: firestore.Client) -> Person:
    return Person(client)


def all_at_once(jobs: list[Any]) -> list[Any]:
    """Each job in a thread of its own, started together; what they return, or raise."""
    start = threading.Barrier(len(jobs))
    done: list[Any] = []

    def run(job: Any) -> None:
        start.wait()
        try:
            done.append(job())
        except Exception as error:  # noqa: BLE001 (for the test to look at)
            done.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return done


def test_of_many_accepted_at_the_same_time_exactly_so_many_are_as_there_are_places(
    person: Person,
) -> None:
    # Each event comes twice.
    paths = [person.ask() for _ in range(AT_ONCE)]
    outcomes = all_at_once([lambda path=path: person.accept(path) for path in paths * 2])
    statuses = Counter(
        person.client.document(str(path)).get(["status"]).get("status") for path in paths
    )
    assert statuses == {"queued": PLACES, "failed": AT_ONCE - PLACES}, outcomes
    assert set(outcomes) <= {Outcome.ACCEPTED, Outcome.OVER_QUOTA, Outcome.ALREADY_DONE}
    assert len(person.usage()["reserved"]) == PLACES
    assert person.drift() == []


def test_workers_that_end_at_the_same_time_as_others_are_accepted_lose_no_result(
    person: Person,
) -> None:
    running = [person.ask() for _ in range(PLACES)]
    assert {person.accept(path) for path in running} == {Outcome.ACCEPTED}
    asked = [person.ask() for _ in range(PLACES)]
    ends = [
        lambda path=path, number=number: person.end(path, completed=number % 2 == 0)
        for number, path in enumerate(running)
    ]
    done = all_at_once([*ends, *(lambda path=path: person.accept(path) for path in asked)])
    assert set(done) <= {None, Outcome.ACCEPTED, Outcome.OVER_QUOTA}
    ended = {person.client.document(str(path)).get().get("status") for path in running}
    assert ended == {"completed", "cancelled"}
    assert person.drift() == []


def test_what_is_deleted_in_the_making_is_given_back_by_the_event_or_by_the_sweep(
    person: Person,
) -> None:
    heard, unheard, kept = (person.ask() for _ in range(3))
    for path in (heard, unheard, kept):
        person.accept(path)
    deleted = person.client.document(str(heard)).get().to_dict()
    for path in (heard, unheard):
        person.client.document(str(path)).delete()
    search = FirestoreSearch(person.client)
    for released in (1, 0):
        # The event of one comes twice; what it finds of the other it gives back as well.
        given = give_back(str(heard), deleted, documents=person.documents, search=search)
        assert given == 2 * released
    assert person.drift() == []
    last = person.ask()
    person.accept(last)
    person.client.document(str(last)).delete()
    due = {"reconcile_after": person.client.document(str(kept)).get().update_time}
    person.client.document(kept.usage).update(due)
    done = reconcile_all(documents=person.documents, search=search, clock=SystemClock())
    assert done.faults == []
    assert person.drift() == []
    assert set(person.usage()["reserved"]) == {kept.generation_id}


def test_a_phone_sees_what_it_has_used_and_what_is_too_much(
    phone: Phone, document_once: Await, firestore_client: firestore.Client
) -> None:
    usage = f"users/{phone.uid}/account/usage"
    film = {
        "task_type": "text2video", "prompt": "x", "num_inference_steps": 150,
        "video_width": 1280, "video_height": 720,
    }  # fmt: skip
    paths = [phone.path() for _ in range(3)]
    for path, status in zip(paths, ("queued", "queued", "failed"), strict=True):
        new = {"input": film, "status": "pending", "created_at": REQUEST_TIME}
        assert phone.firestore.create(path, new).is_success
        ended = document_once(path, status)
    assert ended["error"]["code"] == "quota_exceeded"
    quota = ended["error"]["quota"]
    assert (quota["limit"], quota["allowed"]) == ("daily_credits", 10_000)
    charge = document_once(paths[0], "queued")["charge"]
    assert quota["left"] == 10_000 - 2 * charge["credits"] < quota["needed"]
    answer = phone.firestore.get(usage)
    assert answer.status_code == httpx.codes.OK
    assert set(answer.json()["fields"]["reserved"]["mapValue"]["fields"]) == {
        GenerationPath.parse(path).generation_id for path in paths[:2]
    }
    granted = {"granted": {"daily_credits": 10**9}}
    assert phone.firestore.update(usage, granted).status_code == httpx.codes.FORBIDDEN
    # An administrator may, and the next one is accepted.
    firestore_client.document(usage).update(granted)
    more = phone.path()
    new = {"input": film, "status": "pending", "created_at": REQUEST_TIME}
    assert phone.firestore.create(more, new).is_success
    document_once(more, "queued")
