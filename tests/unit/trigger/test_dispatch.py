"""One message for a dispatched deployment, with everything that may happen between the steps."""

from datetime import timedelta
from typing import Any

import pytest

from shared.claim import MAX_ATTEMPTS
from shared.dispatched import MARK
from shared.document import Generation
from shared.errors import worker_lost
from shared.parse import parse_request
from shared.paths import VIDEO_TOPIC, GenerationPath
from tests.unit.lifecycle.world import START
from tests.unit.trigger.dispatching import ENDPOINTS, LIMITS, PROMPT, QUEUED, World, handed_over
from tests.unit.trigger.meddling import PATH, MeddledDocuments, document_of
from trigger.dispatch import Handed, Outcome


def test_a_queued_generation_gets_one_job_and_says_which() -> None:
    world = World(QUEUED)
    assert world.dispatch() == Handed(outcome=Outcome.STARTED, job_id="job-1")
    assert world.document["dispatch"] == {
        "endpoint": "pictures",
        "job_id": "job-1",
        "at": START,
        "token": 0,
    }
    assert world.document["status"] == "queued"
    assert world.jobs.jobs["job-1"].limits == LIMITS


def test_whose_it_is_says_the_path_and_the_pictures_are_stored() -> None:
    given = {"prompt": PROMPT, "use_cloud_storage": False, "seed": 7, "user_id": "ann"}
    world = World({**QUEUED, "input": given})
    world.dispatch()
    assert world.jobs.jobs["job-1"].request == {
        "prompt": PROMPT,
        "seed": 7,
        "use_cloud_storage": True,
        "user_id": "ann",
        "file_uid": "g1",
        "dispatched": True,
    }


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": PROMPT, "num_inference_steps": 25.0, "seed": None},
        {"prompt": PROMPT, "loras": [{"name": "ink", "weight": 0.5}], "image_url": "gs://b/o"},
        {"task_type": "text2video", "prompt": "ein Mädchen \u2603", "num_frames": 33},
    ],
)
def test_a_worker_reads_of_it_what_the_document_says(given: dict[str, Any]) -> None:
    world = World({**QUEUED, "input": given})
    world.dispatch()
    sent = world.jobs.jobs["job-1"].request
    got = parse_request({name: value for name, value in sent.items() if name != MARK})
    place = {"user_id": "ann", "file_uid": "g1", "use_cloud_storage": True}
    assert got == parse_request(given).model_copy(update=place)


@pytest.mark.parametrize("name", ["user_id", "file_uid"])
def test_a_request_in_another_s_name_is_never_sent(name: str) -> None:
    world = World({**QUEUED, "input": {"prompt": PROMPT, name: "bob"}})
    assert world.dispatch().outcome is Outcome.FAILED
    assert world.document["error"]["code"] == "invalid_input"
    assert world.jobs.jobs == {}


def test_a_film_goes_to_the_endpoint_for_films() -> None:
    world = World({**QUEUED, "input": {"task_type": "text2video", "prompt": PROMPT}})
    world.dispatch()
    assert world.jobs.jobs["job-1"].endpoint == "films"


def test_what_has_no_endpoint_is_left_to_the_workers_that_fetch_it() -> None:
    world = World(QUEUED)
    only_films = {VIDEO_TOPIC: ENDPOINTS[VIDEO_TOPIC]}
    assert world.dispatch(endpoints=only_films).outcome is Outcome.LET_BE
    assert world.jobs.jobs == {}


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_message_that_comes_again_starts_nothing(times: int) -> None:
    world = World(QUEUED)
    world.dispatch()
    assert [world.dispatch().outcome for _ in range(times)] == [Outcome.LET_BE] * times
    assert len(world.jobs.jobs) == 1


def test_a_later_message_asks_after_the_job_and_lets_it_go_on() -> None:
    world = World(handed_over())
    world.started_before()
    assert world.dispatch() == Handed(outcome=Outcome.ALIVE, job_id="job-1")
    assert world.document == handed_over()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_job_that_is_over_without_a_claim_counts_as_an_attempt_and_has_a_successor(
    is_known: bool,
) -> None:
    world = World(handed_over("job-1" if is_known else "forgotten"))
    world.jobs.end(world.started_before())
    assert world.dispatch() == Handed(outcome=Outcome.STARTED, job_id="job-2")
    document = world.document
    assert (document["attempt"], document["error"]["code"]) == (1, "worker_lost")
    assert (document["dispatch"]["job_id"], document["dispatch"]["at"]) == ("job-2", START)


def test_a_job_that_was_claimed_counted_its_own_attempt() -> None:
    lease = {"token": 9, "worker_id": None, "expires_at": None}
    world = World(handed_over(attempt=1, lease=lease))
    world.jobs.end(world.started_before())
    assert world.dispatch().outcome is Outcome.STARTED
    assert world.document["attempt"] == 1
    assert "error" not in world.document
    assert world.document["dispatch"]["token"] == 9


def test_jobs_that_never_come_to_a_claim_end_it_after_as_many_as_attempts() -> None:
    world = World(handed_over(attempt=MAX_ATTEMPTS - 1))
    world.jobs.end(world.started_before())
    assert world.dispatch().outcome is Outcome.FAILED
    assert world.document["error"]["code"] == "attempts_exhausted"
    assert "tried 3 times" in world.document["error"]["message"]
    assert len(world.jobs.jobs) == 1


def test_what_used_up_its_attempts_gets_no_job() -> None:
    world = World({**QUEUED, "attempt": MAX_ATTEMPTS})
    assert world.dispatch().outcome is Outcome.FAILED
    assert world.jobs.jobs == {}


def leased(**at: int) -> dict[str, Any]:
    """The lease of a worker, which ends so long after now."""
    return {"token": 9, "worker_id": "w", "expires_at": START + timedelta(**at)}


@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed", "cancelled"])
def test_what_is_not_queued_needs_no_job(status: str) -> None:
    world = World({**QUEUED, "status": status, "lease": leased(seconds=1)})
    assert world.dispatch() == Handed(outcome=Outcome.LET_BE)
    assert world.jobs.jobs == {}


def test_a_rescue_s_message_that_is_faster_than_its_write_starts_the_successor() -> None:
    world = World(handed_over(status="processing", attempt=1, lease=leased(seconds=0)))
    world.jobs.end(world.started_before())
    assert world.dispatch() == Handed(outcome=Outcome.STARTED, job_id="job-2")
    assert (world.document["dispatch"]["job_id"], world.document["attempt"]) == ("job-2", 1)


def test_a_rescue_that_is_written_while_the_successor_is_started_keeps_it() -> None:
    def rescue(documents: MeddledDocuments) -> None:
        path = GenerationPath.parse(PATH)
        generation = Generation.from_document(path, document_of(documents))
        documents.write(**generation.to_retry(worker_lost()))

    world = World(handed_over(status="processing", attempt=1, lease=leased(seconds=0)), rescue)
    world.jobs.end(world.started_before())
    assert world.dispatch().outcome is Outcome.STARTED
    document = world.document
    assert (document["status"], document["dispatch"]["job_id"]) == ("queued", "job-2")
    assert (document["attempt"], document["error"]["code"]) == (1, "worker_lost")


def test_a_lapsed_lease_whose_job_is_alive_is_its_own_business() -> None:
    world = World(handed_over(status="processing", lease=leased(seconds=0)))
    world.started_before()
    assert world.dispatch().outcome is Outcome.ALIVE


def test_what_failed_just_now_waits_for_its_time() -> None:
    world = World({**QUEUED, "attempt": 1, "not_before": START + timedelta(seconds=1)})
    assert world.dispatch().outcome is Outcome.LET_BE


@pytest.mark.parametrize("status", ["zzz", None, 5])
def test_what_is_no_generation_of_ours_is_let_be(status: object) -> None:
    assert World({**QUEUED, "status": status}).dispatch().outcome is Outcome.LET_BE


def test_a_deleted_document_needs_nothing() -> None:
    assert World(None).dispatch() == Handed(outcome=Outcome.GONE)


def test_a_cancellation_before_the_first_job_ends_it_at_once_and_gives_its_credits_back() -> None:
    charge = {"credits": 3, "day": "2026-11-23", "state": "reserved"}
    world = World({**QUEUED, "cancel_requested": True, "charge": charge})
    assert world.dispatch().outcome is Outcome.CANCELLED
    assert world.document["status"] == "cancelled"
    assert world.document["charge"]["state"] == "refunded"
    usage = world.documents.read("users/ann/account/usage")
    assert usage is not None
    assert usage.data["spent"] == {"2026-11-23": -3}
    assert world.jobs.jobs == {}


def test_a_cancellation_after_it_is_the_sweep_s_which_cancels_the_job_too() -> None:
    world = World(handed_over(cancel_requested=True))
    assert world.dispatch().outcome is Outcome.LET_BE
    assert world.document["status"] == "queued"
