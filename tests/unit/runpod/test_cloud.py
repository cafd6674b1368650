"""A job with cloud storage: its document is created or joined, and its end is the answer."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from gpu_worker.intake.runpod.answer import DELETED, Answer
from gpu_worker.intake.runpod.fresh import fresh_document
from gpu_worker.intake.runpod.office import Job
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects
from shared.ports import AlreadyExists, Changes, Rejected, Unavailable, Written
from tests.unit.runpod.desk import (
    FILM,
    GIVEN,
    PATH,
    PLACE,
    QUICK,
    TIMEOUT_SECONDS,
    Desk,
    MakeDesk,
    asked,
    data,
    held,
)


def change(documents: InMemoryDocuments, **fields: Any) -> None:
    snapshot = documents.read(PATH)
    assert snapshot is not None
    documents.update(PATH, fields, expected=snapshot.version)


def joined(desk: Desk) -> "tuple[Job, Future[Answer | None]]":
    """A job at `desk` for what another one makes, of whose progress it has heard."""
    heard = threading.Event()
    waiting = desk.start(GIVEN, on_progress=lambda _: heard.set())
    assert heard.wait(TIMEOUT_SECONDS)
    return waiting


def test_pictures_are_stored_and_answered_with_their_urls(make_desk: MakeDesk) -> None:
    desk = make_desk()
    answer = desk.run(GIVEN)
    assert answer is not None
    assert answer.keys() == {"image_url", "images", "seed", "file_uid"}
    assert answer["file_uid"] == "g1"
    document = data(desk.documents)
    assert document["status"] == "completed"
    assert document["input"] == GIVEN
    assert document["output"]["images"] == answer["images"]
    name = document["output"]["files"][0]["storage_path"]
    assert name.startswith(f"{PATH}/")
    assert desk.objects.read(name)


def test_films_are_stored_and_answered_with_their_urls(make_desk: MakeDesk) -> None:
    answer = make_desk().run({**FILM, **PLACE})
    assert answer is not None
    assert answer.keys() == {"video_url", "videos", "video_info", "seed", "file_uid"}


def test_a_new_document_is_queued_and_has_what_the_contract_wants() -> None:
    documents = InMemoryDocuments()
    it = asked(GIVEN)
    documents.create(PATH, fresh_document(it.path, it.raw, it.kind))
    document = data(documents)
    keys = {"input", "status", "kind", "created_at", "queued_at", "sweep_after", "updated_at"}
    assert document.keys() == keys
    assert document["status"] == "queued"
    assert document["created_at"] == document["queued_at"] == document["sweep_after"]


@pytest.mark.parametrize(("given", "kind"), [(GIVEN, "image"), ({**FILM, **PLACE}, "video")])
def test_a_job_s_document_is_counted_among_its_kind(
    make_desk: MakeDesk, given: dict[str, Any], kind: str
) -> None:
    desk = make_desk()
    desk.run(given)
    assert data(desk.documents)["kind"] == kind


def test_the_same_request_again_has_the_same_answer(make_desk: MakeDesk) -> None:
    desk = make_desk()
    first = desk.run(GIVEN)
    again = {**GIVEN, "width": 64.0, "negative_prompt": None}
    assert desk.run(again) == first
    assert len(desk.engine.ran) == 1


def test_another_worker_answers_with_what_is_there(make_desk: MakeDesk) -> None:
    first = make_desk()
    second = make_desk(documents=first.documents, objects=first.objects)
    assert first.run(GIVEN) == second.run(GIVEN)
    assert second.engine.ran == []


def test_a_generation_in_another_workers_hands_is_waited_for(make_desk: MakeDesk) -> None:
    first = make_desk(held)
    second = make_desk(documents=first.documents, objects=first.objects)
    _, one = first.start(GIVEN)
    job = first.wait_held()
    _, other = joined(second)
    first.engine.release(job)
    assert one.result(TIMEOUT_SECONDS) == other.result(TIMEOUT_SECONDS)
    assert second.engine.ran == []


def test_two_jobs_of_one_worker_for_one_generation_have_one_answer(make_desk: MakeDesk) -> None:
    desk = make_desk(held)
    _, one = desk.start(GIVEN)
    job = desk.wait_held()
    _, other = joined(desk)
    desk.engine.release(job)
    assert one.result(TIMEOUT_SECONDS) == other.result(TIMEOUT_SECONDS)
    assert desk.engine.ran == [job]


def test_who_only_waits_and_is_stopped_leaves_the_generation_to_the_other(
    make_desk: MakeDesk,
) -> None:
    first = make_desk(held)
    second = make_desk(documents=first.documents, objects=first.objects)
    _, one = first.start(GIVEN)
    job = first.wait_held()
    waiting, other = joined(second)
    second.office.stop(waiting)
    assert other.result(TIMEOUT_SECONDS) is None
    first.engine.release(job)
    answer = one.result(TIMEOUT_SECONDS)
    assert answer is not None
    assert "images" in answer


def test_what_another_worker_gives_back_is_taken_over(make_desk: MakeDesk) -> None:
    first = make_desk(held)
    second = make_desk(documents=first.documents, objects=first.objects)
    _, one = first.start(GIVEN)
    first.wait_held()
    _, other = joined(second)
    first.office.drain()
    assert one.result(TIMEOUT_SECONDS) is None
    answer = other.result(TIMEOUT_SECONDS)
    assert answer is not None
    assert "images" in answer
    assert data(first.documents)["attempt"] == 1


def test_waiting_for_another_worker_ends_with_the_jobs_time(make_desk: MakeDesk) -> None:
    first = make_desk(held)
    second = make_desk(
        documents=first.documents, objects=first.objects, settings={"image_time_limit": 1}
    )
    first.start(GIVEN)
    first.wait_held()
    answer = second.run(GIVEN)
    assert answer is not None
    assert answer["error"].startswith("timed_out: The generation has not ended after 1 seconds")
    first.office.drain()


def test_a_document_that_a_phone_created_is_made_once_it_is_accepted(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.documents.create(PATH, {"input": QUICK, "status": "pending", "created_at": 0})
    _, answer = desk.start(GIVEN)
    watching = threading.Event()
    watch = desk.documents.watch(PATH, lambda _: watching.set())
    assert watching.wait(TIMEOUT_SECONDS)
    watch.close()
    assert desk.engine.ran == []
    change(desk.documents, status="queued")
    told = answer.result(TIMEOUT_SECONDS)
    assert told is not None
    assert "images" in told


@pytest.mark.parametrize("other", [{**GIVEN, "seed": 8}, {"prompt": 7}, None])
def test_another_request_under_its_id_is_an_error(make_desk: MakeDesk, other: Any) -> None:
    desk = make_desk()
    desk.documents.create(PATH, {"input": other, "status": "completed", "output": {}})
    answer = desk.run(GIVEN)
    assert answer is not None
    assert answer["error"].startswith("invalid_input: file_uid is 'g1', which another request of")


def test_a_failed_generation_stays_failed(make_desk: MakeDesk) -> None:
    desk = make_desk()
    error = {"code": "out_of_memory", "message": "It does not fit.", "retryable": False}
    desk.documents.create(PATH, {"input": GIVEN, "status": "failed", "error": error})
    assert desk.run(GIVEN) == {"error": "out_of_memory: It does not fit."}


def test_a_deleted_generation_is_told_as_such(make_desk: MakeDesk) -> None:
    first = make_desk(held)
    second = make_desk(documents=first.documents, objects=first.objects)
    first.start(GIVEN)
    job = first.wait_held()
    _, other = joined(second)
    first.documents.delete(PATH)
    assert other.result(TIMEOUT_SECONDS) == {"error": DELETED}
    first.engine.release(job)


class Faulty(InMemoryDocuments):
    """Raises `fault` for each new document."""

    fault: Exception = Unavailable("Firestore is away")

    def create(self, path: str, data: Changes) -> Written:
        raise self.fault


def test_a_database_that_is_away_is_told_as_retryable(make_desk: MakeDesk) -> None:
    answer = make_desk(documents=Faulty()).run(GIVEN)
    assert answer == {"error": "service_unavailable: The database did not answer in time."}


def test_what_the_database_will_never_take_is_told(make_desk: MakeDesk) -> None:
    documents = Faulty()
    documents.fault = Rejected("it quotes the prompt")
    answer = make_desk(documents=documents).run(GIVEN)
    assert answer == {
        "error": "invalid_input: input cannot be stored; it must be an object of request "
        "parameters."
    }


def test_a_document_that_goes_while_it_is_joined_is_told(make_desk: MakeDesk) -> None:
    documents = Faulty()
    documents.fault = AlreadyExists(PATH)
    assert make_desk(documents=documents).run(GIVEN) == {"error": DELETED}


def test_a_database_that_is_away_for_a_moment_is_asked_again(make_desk: MakeDesk) -> None:
    class Blinking(InMemoryDocuments):
        """Is away for the first read after the end."""

        def __init__(self) -> None:
            super().__init__()
            self.blinked = False

        def read(self, path: str) -> Any:
            there = super().read(path)
            ended = there is not None and there.data["status"] == "completed"
            if ended and not self.blinked:
                self.blinked = True
                raise Unavailable("Firestore is away")
            return there

    documents = Blinking()
    answer = make_desk(documents=documents, objects=InMemoryObjects()).run(GIVEN)
    assert documents.blinked
    assert answer is not None
    assert "images" in answer
