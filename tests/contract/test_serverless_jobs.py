"""What every `ServerlessJobs` does with a job from its start to its end."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from shared.in_memory_jobs import InMemoryJobs
from shared.ports import TooLarge
from shared.serverless import MAX_REQUEST_BYTES, JobLimits, Misconfigured, ServerlessJobs
from tests.contract.runpod_service import State, running_runpod
from trigger.adapters.runpod import RunPodJobs, runpod_client

ENDPOINT = "pictures-1"
LIMITS = JobLimits(execution_seconds=600, ttl_seconds=3600)
REQUEST = {"prompt": "ein Mädchen, \u2603", "use_cloud_storage": True, "loras": [{"name": "ink"}]}


@dataclass(frozen=True)
class Subject:
    jobs: ServerlessJobs
    #: What the worker of a job gets.
    given: Callable[[str], Any]
    #: The job's worker is done with it.
    end: Callable[[str], object]


@contextmanager
def in_memory() -> Iterator[Subject]:
    jobs = InMemoryJobs(ENDPOINT, "films")
    yield Subject(jobs, lambda job_id: jobs.jobs[job_id].request, jobs.end)


@contextmanager
def runpod() -> Iterator[Subject]:
    with (
        running_runpod(ENDPOINT, "films") as service,
        runpod_client(service.key, service.base_url) as client,
    ):
        yield Subject(
            RunPodJobs(lambda: client),
            lambda job_id: service.jobs[job_id].request["input"],
            lambda job_id: service.move(job_id, State.COMPLETED),
        )


@pytest.fixture(params=[pytest.param(in_memory, id="in memory"), pytest.param(runpod, id="runpod")])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with request.param() as subject:
        yield subject


def test_a_job_that_was_started_is_alive_and_its_worker_gets_the_request(subject: Subject) -> None:
    job_id = subject.jobs.start(ENDPOINT, REQUEST, LIMITS)
    assert subject.jobs.alive(ENDPOINT, job_id)
    assert subject.given(job_id) == REQUEST


def test_each_start_is_a_job_of_its_own(subject: Subject) -> None:
    first, second = (subject.jobs.start(ENDPOINT, REQUEST, LIMITS) for _ in range(2))
    assert first != second
    subject.jobs.cancel(ENDPOINT, first)
    assert not subject.jobs.alive(ENDPOINT, first)
    assert subject.jobs.alive(ENDPOINT, second)


def test_a_job_whose_worker_is_done_is_not_alive(subject: Subject) -> None:
    job_id = subject.jobs.start(ENDPOINT, REQUEST, LIMITS)
    subject.end(job_id)
    assert not subject.jobs.alive(ENDPOINT, job_id)


def test_cancelling_what_has_ended_or_was_never_there_does_nothing(subject: Subject) -> None:
    job_id = subject.jobs.start(ENDPOINT, REQUEST, LIMITS)
    subject.end(job_id)
    for known_or_not in (job_id, job_id, "never-there"):
        subject.jobs.cancel(ENDPOINT, known_or_not)
    assert not subject.jobs.alive(ENDPOINT, job_id)
    assert not subject.jobs.alive(ENDPOINT, "never-there")


def test_a_job_is_known_at_its_own_endpoint_only(subject: Subject) -> None:
    job_id = subject.jobs.start(ENDPOINT, REQUEST, LIMITS)
    assert not subject.jobs.alive("films", job_id)
    subject.jobs.cancel("films", job_id)
    assert subject.jobs.alive(ENDPOINT, job_id)


def test_an_endpoint_that_is_not_there_is_the_operator_s_to_mend(subject: Subject) -> None:
    with pytest.raises(Misconfigured, match="no-such-endpoint"):
        subject.jobs.start("no-such-endpoint", REQUEST, LIMITS)


def test_a_request_above_the_bound_is_not_sent(subject: Subject) -> None:
    room = MAX_REQUEST_BYTES - len(json.dumps({"prompt": ""}))
    with pytest.raises(TooLarge, match=r"takes 100000\d\d bytes"):
        subject.jobs.start(ENDPOINT, {"prompt": "x" * (room + 1)}, LIMITS)
