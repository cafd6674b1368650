"""One message for a dispatched deployment, with everything that may happen between the steps."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.claim import MAX_ATTEMPTS, Claim, decide_claim
from shared.dispatched import FRESH_SECONDS, MARK
from shared.document import Generation
from shared.errors import worker_lost
from shared.in_memory_jobs import InMemoryJobs
from shared.parse import parse_request
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.ports import Conflict, Rejected, TooLarge, Unavailable
from shared.serverless import JobLimits, Misconfigured
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.test_enqueue import PATH, MeddledDocuments, document_of
from trigger.dispatch import MAX_CONFLICTS, Dispatcher, Handed, Outcome
from trigger.endpoints import Endpoint

PROMPT = "a red circle that nobody may log"
LIMITS = JobLimits(execution_seconds=60, ttl_seconds=600)
ENDPOINTS = {
    IMAGE_TOPIC: Endpoint(endpoint_id="pictures", limits=LIMITS),
    VIDEO_TOPIC: Endpoint(endpoint_id="films", limits=LIMITS),
}
QUEUED: dict[str, Any] = {
    "input": {"prompt": PROMPT},
    "status": "queued",
    "queued_at": START,
    "sweep_after": START,
}
LONG_AGO = START - timedelta(seconds=FRESH_SECONDS)


def handed_over(job_id: str = "job-1", **fields: Any) -> dict[str, Any]:
    """A generation that was handed to a job a while ago."""
    dispatch = {"endpoint": "pictures", "job_id": job_id, "at": LONG_AGO, "token": 0}
    return {**QUEUED, "dispatch": dispatch, **fields}


class World:
    """One document, a service with two endpoints, and whoever meddles before each update."""

    def __init__(
        self, fields: dict[str, Any] | None, *meddlings: Callable[[MeddledDocuments], None]
    ) -> None:
        self.documents = MeddledDocuments(*meddlings, clock=ManualClock())
        if fields is not None:
            self.documents.create(PATH, fields)
        self.jobs = InMemoryJobs("pictures", "films")

    def dispatch(self, jobs: InMemoryJobs | None = None, **changed: Any) -> Handed:
        ports: dict[str, Any] = {
            "documents": self.documents,
            "jobs": jobs or self.jobs,
            "endpoints": ENDPOINTS,
        }
        return Dispatcher(**{**ports, **changed}).dispatch(GenerationPath.parse(PATH))

    @property
    def document(self) -> dict[str, Any]:
        return document_of(self.documents)

    def started_before(self) -> str:
        """A job of this generation that is alive, as if an earlier message had started it."""
        return self.jobs.start("pictures", {}, LIMITS)


def claim(documents: MeddledDocuments) -> None:
    """The job's worker is quick."""
    path = GenerationPath.parse(PATH)
    generation = Generation.from_document(path, document_of(documents))
    decision = decide_claim(generation, worker_id="quick", server_now=START)
    assert isinstance(decision, Claim)
    documents.write(**decision.changes)


class Refusing(InMemoryJobs):
    """A service that answers every start with the same error."""

    def __init__(self, error: Exception) -> None:
        super().__init__("pictures", "films")
        self.error = error

    def start(self, *_: object) -> str:
        raise self.error


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


class TestBetweenStartAndNote:
    """The job is started; before the document says so somebody else writes it."""

    def test_its_own_worker_was_quicker_and_goes_on(self) -> None:
        world = World(QUEUED, claim)
        assert world.dispatch().outcome is Outcome.STARTED
        document = world.document
        assert (document["status"], document["lease"]["worker_id"]) == ("processing", "quick")
        assert (document["dispatch"]["job_id"], document["attempt"]) == ("job-1", 1)
        assert world.jobs.waiting == ["job-1"]

    def test_a_successor_s_worker_was_quicker_and_both_attempts_count(self) -> None:
        world = World(handed_over(), claim)
        world.jobs.end(world.started_before())
        world.dispatch()
        assert (world.document["attempt"], world.document.get("error")) == (2, None)

    def test_of_two_messages_at_once_one_has_its_job_cancelled_again(self) -> None:
        outcomes: list[Handed] = []
        world = World(QUEUED, lambda _: outcomes.append(world.dispatch()))
        outcomes.append(world.dispatch())
        assert [it.outcome for it in outcomes] == [Outcome.STARTED, Outcome.WITHDRAWN]
        assert world.jobs.waiting == [world.document["dispatch"]["job_id"]]
        assert world.jobs.cancelled == [outcomes[1].job_id]

    def test_likewise_of_two_that_found_the_same_job_over(self) -> None:
        outcomes: list[Handed] = []
        world = World(handed_over(), lambda _: outcomes.append(world.dispatch()))
        world.jobs.end(world.started_before())
        outcomes.append(world.dispatch())
        assert [it.outcome for it in outcomes] == [Outcome.STARTED, Outcome.WITHDRAWN]
        assert world.jobs.waiting == [world.document["dispatch"]["job_id"]]
        assert world.document["attempt"] == 1

    def test_its_owner_cancels_and_so_is_the_job(self) -> None:
        world = World(QUEUED, lambda them: them.write(cancel_requested=True))
        assert world.dispatch() == Handed(outcome=Outcome.WITHDRAWN, job_id="job-1")
        assert world.jobs.cancelled == ["job-1"]
        assert "dispatch" not in world.document

    def test_its_owner_cancels_what_is_claimed_and_the_worker_sees_to_it(self) -> None:
        def claim_and_cancel(documents: MeddledDocuments) -> None:
            claim(documents)
            documents.write(cancel_requested=True)

        world = World(QUEUED, claim_and_cancel)
        assert world.dispatch().outcome is Outcome.STARTED
        assert world.jobs.cancelled == []

    def test_it_ended_cancelled_and_so_is_the_job(self) -> None:
        world = World(QUEUED, lambda them: them.write(status="cancelled"))
        assert world.dispatch().outcome is Outcome.WITHDRAWN
        assert world.jobs.cancelled == ["job-1"]

    @pytest.mark.parametrize("status", ["completed", "failed"])
    def test_it_ended_and_nothing_is_written_any_more(self, status: str) -> None:
        world = World(QUEUED, lambda them: them.write(status=status))
        assert world.dispatch().outcome is Outcome.STARTED
        assert "dispatch" not in world.document
        assert world.jobs.cancelled == []

    def test_it_is_deleted_and_the_job_is_cancelled(self) -> None:
        world = World(QUEUED, lambda them: them.delete(PATH))
        assert world.dispatch().outcome is Outcome.WITHDRAWN
        assert world.jobs.cancelled == ["job-1"]

    def test_it_is_deleted_and_another_one_of_its_id_is_created(self) -> None:
        def replace(documents: MeddledDocuments) -> None:
            documents.delete(PATH)
            documents.create(PATH, {"input": {"prompt": "another"}, "status": "pending"})

        world = World(QUEUED, replace)
        assert world.dispatch().outcome is Outcome.WITHDRAWN
        assert world.jobs.cancelled == ["job-1"]
        assert "dispatch" not in world.document

    def test_our_own_note_arrived_and_its_reply_did_not(self) -> None:
        dispatch = {"endpoint": "pictures", "job_id": "job-1", "at": START, "token": 0}
        world = World(QUEUED, lambda them: them.write(dispatch=dispatch))
        assert world.dispatch() == Handed(outcome=Outcome.STARTED, job_id="job-1")
        assert world.jobs.cancelled == []

    def test_the_database_is_away_and_the_next_message_starts_another(self) -> None:
        def away(_: MeddledDocuments) -> None:
            raise Unavailable("Firestore did not answer")

        world = World(QUEUED, away)
        with pytest.raises(Unavailable):
            world.dispatch()
        assert world.dispatch() == Handed(outcome=Outcome.STARTED, job_id="job-2")
        # The first one is left: its worker may be quick, and the claim lets one of them.
        assert world.jobs.waiting == ["job-1", "job-2"]

    def test_a_document_that_keeps_changing_is_left_to_the_next_message(self) -> None:
        def touch(documents: MeddledDocuments) -> None:
            documents.write(touched=len(documents.meddlings))

        world = World(QUEUED, *[touch] * (MAX_CONFLICTS + 1))
        with pytest.raises(Conflict, match="changed 6 times"):
            world.dispatch()
        assert len(world.jobs.jobs) == 1


class TestRefusals:
    def test_a_request_that_is_too_large_fails_with_a_sentence(self) -> None:
        world = World(QUEUED)
        assert world.dispatch(Refusing(TooLarge("10000001"))).outcome is Outcome.FAILED
        error = world.document["error"]
        assert (error["code"], error["retryable"]) == ("invalid_input", False)
        assert error["message"].startswith("input takes more than 10 MB on its way to a worker")

    def test_a_request_that_the_service_refuses_fails_with_a_sentence_and_a_line_in_the_log(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = World(QUEUED)
        refusal = Rejected("RunPod does not take this request: HTTP 400")
        assert world.dispatch(Refusing(refusal)).outcome is Outcome.FAILED
        error = world.document["error"]
        assert (error["code"], error["retryable"]) == ("unsupported_task", False)
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert vars(record)["fields"] == {"generation": PATH, "reason": str(refusal)}

    @pytest.mark.parametrize("error", [Unavailable("RunPod"), Misconfigured("the key")])
    def test_a_service_that_is_away_or_shut_leaves_the_document_as_it_is(
        self, error: Exception
    ) -> None:
        world = World(QUEUED)
        with pytest.raises(type(error)):
            world.dispatch(Refusing(error))
        assert world.document == QUEUED

    def test_a_refusal_gives_way_to_whoever_claimed_it_meanwhile(self) -> None:
        world = World(QUEUED, claim)
        assert world.dispatch(Refusing(Rejected("HTTP 400"))).outcome is Outcome.LET_BE
        assert world.document["status"] == "processing"


class AnsweringLate(InMemoryJobs):
    """While it is asked after a job, something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__("pictures", "films")
        self.meanwhile = [meanwhile]

    def alive(self, endpoint: str, job_id: str) -> bool:
        answer = super().alive(endpoint, job_id)
        while self.meanwhile:
            self.meanwhile.pop()()
        return answer


def test_a_successor_that_another_message_started_meanwhile_is_asked_after_too() -> None:
    world = World(handed_over("forgotten"))
    second = handed_over("job-1")["dispatch"]
    jobs = AnsweringLate(lambda: world.documents.write(dispatch=second))
    jobs.start("pictures", {}, LIMITS)
    assert world.dispatch(jobs) == Handed(outcome=Outcome.ALIVE, job_id="job-1")
    assert list(jobs.jobs) == ["job-1"]


def test_a_claim_while_the_service_is_asked_needs_no_successor() -> None:
    world = World(handed_over("forgotten"))
    jobs = AnsweringLate(lambda: claim(world.documents))
    assert world.dispatch(jobs).outcome is Outcome.LET_BE
    assert jobs.jobs == {}
