"""Jobs of what was cancelled or deleted, on in-memory ports."""

from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.in_memory_jobs import InMemoryJobs
from shared.ports import Unavailable
from shared.serverless import JobLimits, Misconfigured
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.sweeping import Deployment, queued
from trigger.withdraw import withdraw, withdraw_deleted

PATH = "users/ann/generations/g1"
LIMITS = JobLimits(execution_seconds=60, ttl_seconds=600)


@pytest.fixture
def jobs() -> InMemoryJobs:
    return InMemoryJobs("pictures")


def handed_over(jobs: InMemoryJobs, **fields: Any) -> dict[str, Any]:
    job_id = jobs.start("pictures", {}, LIMITS)
    dispatch = {"endpoint": "pictures", "job_id": job_id, "at": START, "token": 0}
    return queued(dispatch=dispatch, **fields)


def withdrawn(jobs: InMemoryJobs, fields: dict[str, Any] | None) -> bool:
    documents = InMemoryDocuments(ManualClock())
    if fields is not None:
        documents.create(PATH, fields)
    return withdraw(PATH, documents=documents, jobs=jobs)


@pytest.mark.parametrize("status", ["pending", "queued", "cancelled"])
def test_the_job_of_what_was_cancelled_before_a_claim_is_cancelled(
    jobs: InMemoryJobs, status: str
) -> None:
    assert withdrawn(jobs, handed_over(jobs, cancel_requested=True, status=status))
    assert jobs.cancelled == ["job-1"]


@pytest.mark.parametrize("status", ["processing", "completed", "failed"])
def test_a_worker_that_has_it_ends_its_job_by_itself(jobs: InMemoryJobs, status: str) -> None:
    assert not withdrawn(jobs, handed_over(jobs, cancel_requested=True, status=status))
    assert jobs.cancelled == []


def test_what_nobody_cancelled_or_what_has_no_job_is_let_be(jobs: InMemoryJobs) -> None:
    assert not withdrawn(jobs, handed_over(jobs))
    assert not withdrawn(jobs, queued(cancel_requested=True))
    assert not withdrawn(jobs, None)
    assert jobs.cancelled == []


@pytest.mark.parametrize("status", ["pending", "queued", "processing", "cancelled"])
def test_the_job_of_what_was_deleted_before_its_end_is_cancelled(
    jobs: InMemoryJobs, status: str
) -> None:
    assert withdraw_deleted(handed_over(jobs, status=status), jobs=jobs)
    assert jobs.cancelled == ["job-1"]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_the_job_of_what_was_deleted_after_its_end_is_over(jobs: InMemoryJobs, status: str) -> None:
    assert not withdraw_deleted(handed_over(jobs, status=status), jobs=jobs)
    assert not withdraw_deleted({}, jobs=jobs)
    assert jobs.cancelled == []


class Away(InMemoryJobs):
    def __init__(self, error: Exception) -> None:
        super().__init__("pictures")
        self.error = error
        self.asked = 0

    def cancel(self, endpoint: str, job_id: str) -> None:
        self.asked += 1
        raise self.error


class TestSweep:
    def test_it_cancels_the_job_and_the_generation(self, jobs: InMemoryJobs) -> None:
        deployment = Deployment()
        deployment.put(g1=handed_over(jobs, cancel_requested=True), g2=handed_over(jobs))
        swept = deployment.sweep(jobs=jobs)
        assert swept.counts["cancelled"] == 1
        assert jobs.cancelled == ["job-1"]
        snapshot = deployment.documents.read(PATH)
        assert snapshot is not None
        assert snapshot.data["status"] == "cancelled"

    def test_without_jobs_it_cancels_the_generation_alone(self, jobs: InMemoryJobs) -> None:
        deployment = Deployment()
        deployment.put(g1=handed_over(jobs, cancel_requested=True))
        assert deployment.sweep().counts["cancelled"] == 1
        assert jobs.cancelled == []

    @pytest.mark.parametrize("error", [Unavailable("RunPod"), Misconfigured("the key")])
    def test_a_service_that_is_away_is_asked_once_and_keeps_no_generation_from_its_end(
        self, error: Exception
    ) -> None:
        away = Away(error)
        deployment = Deployment()
        deployment.put(
            g1=handed_over(away, cancel_requested=True), g2=handed_over(away, cancel_requested=True)
        )
        swept = deployment.sweep(jobs=away)
        assert (away.asked, len(swept.faults), swept.counts["cancelled"]) == (1, 1, 2)
