"""A job that `trigger.dispatch` sent: its document is there, and nobody reads the answer."""

import pytest

from gpu_worker.intake.runpod.answer import DELETED
from gpu_worker.intake.runpod.fresh import fresh_document
from shared.errors import InvalidInput
from shared.in_memory import InMemoryDocuments
from tests.unit.runpod.desk import GIVEN, PATH, QUICK, TIMEOUT_SECONDS, MakeDesk, asked, data, held

DISPATCHED = {**GIVEN, "dispatched": True}


def accepted(documents: InMemoryDocuments) -> None:
    """As the function leaves it before it dispatches a job for it."""
    it = asked(GIVEN)
    documents.create(PATH, {**fresh_document(it.path, it.raw, it.kind), "input": QUICK})


def test_a_dispatched_job_makes_the_generation_that_is_there(make_desk: MakeDesk) -> None:
    desk = make_desk()
    accepted(desk.documents)
    answer = desk.run(DISPATCHED)
    assert answer is not None
    assert answer["file_uid"] == "g1"
    assert data(desk.documents)["status"] == "completed"


def test_a_dispatched_job_makes_no_document_that_was_deleted_meanwhile(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    assert desk.run(DISPATCHED) == {"error": DELETED}
    assert desk.documents.read(PATH) is None
    assert desk.engine.ran == []


def test_a_dispatched_job_does_not_wait_for_another_worker(make_desk: MakeDesk) -> None:
    first = make_desk(held)
    accepted(first.documents)
    _, running = first.start(DISPATCHED)
    job = first.wait_held()
    second = make_desk(documents=first.documents, objects=first.objects)
    answer = second.run(DISPATCHED, job_id="job-2")
    assert answer == {"error": "held: Another worker has this generation."}
    first.engine.release(job)
    done = running.result(TIMEOUT_SECONDS)
    assert done is not None
    assert done["file_uid"] == "g1"


def test_a_dispatched_job_without_cloud_storage_is_refused() -> None:
    with pytest.raises(InvalidInput, match="dispatched is true, and use_cloud_storage false"):
        asked({**QUICK, "dispatched": True})


@pytest.mark.parametrize("value", ["yes", 1, False])
def test_nothing_but_true_marks_a_dispatched_job(value: object) -> None:
    with pytest.raises(InvalidInput, match="dispatched"):
        asked({**GIVEN, "dispatched": value})
