"""What others do to a generation while it is being handed over."""

from collections.abc import Callable

import pytest

from shared.in_memory_jobs import InMemoryJobs
from shared.ports import Conflict, Unavailable
from tests.unit.lifecycle.world import START
from tests.unit.trigger.dispatching import LIMITS, QUEUED, World, claim, handed_over
from tests.unit.trigger.meddling import PATH, MeddledDocuments
from trigger.dispatch import MAX_CONFLICTS, Handed, Outcome


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
