"""`RunPodJobs` over a service that fails, and what becomes of the key."""

import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from shared.ports import Rejected, Unavailable
from shared.serverless import JobLimits, Misconfigured
from tests.contract.runpod_service import Fault, RunPodService, State, running_runpod
from trigger.adapters.runpod import RUNPOD_RETRY, RunPodJobs, runpod_client

ENDPOINT = "pictures-1"
LIMITS = JobLimits(execution_seconds=1500, ttl_seconds=21600)
PROMPT = "a red circle that nobody may log"
REQUEST = {"prompt": PROMPT}
SHORT_RETRY = RUNPOD_RETRY.with_delay(initial=0.01, maximum=0.05).with_timeout(0.3)

CALLS: dict[str, Callable[[RunPodJobs], object]] = {
    "run": lambda jobs: jobs.start(ENDPOINT, REQUEST, LIMITS),
    "status": lambda jobs: jobs.alive(ENDPOINT, "job-1"),
    "cancel": lambda jobs: jobs.cancel(ENDPOINT, "job-1"),
}
each_call = pytest.mark.parametrize("operation", CALLS)


@pytest.fixture
def service() -> Iterator[RunPodService]:
    with running_runpod(ENDPOINT) as service:
        yield service


@pytest.fixture
def jobs(service: RunPodService) -> Iterator[RunPodJobs]:
    with runpod_client(service.key, service.base_url) as client:
        yield RunPodJobs(lambda: client, SHORT_RETRY)


def test_limits_go_along_in_milliseconds_and_the_key_in_one_header(
    service: RunPodService, jobs: RunPodJobs
) -> None:
    jobs.start(ENDPOINT, REQUEST, LIMITS)
    (asked,) = service.asked
    assert json.loads(asked.body) == {
        "input": REQUEST,
        "policy": {"executionTimeout": 1_500_000, "ttl": 21_600_000},
    }
    holding = [name for name, value in asked.headers.items() if service.key in value]
    assert holding == ["authorization"]
    assert service.key not in asked.body.decode()


@each_call
@pytest.mark.parametrize("fault", [429, 500, 502, 503, 504, Fault.DROP])
def test_a_fault_that_passes_is_tried_again(
    service: RunPodService, jobs: RunPodJobs, operation: str, fault: Fault | int
) -> None:
    service.faults[operation] = deque([fault])
    CALLS[operation](jobs)
    assert service.operations() == [operation, operation]


@each_call
@pytest.mark.parametrize("fault", [429, 503])
def test_a_fault_that_stays_is_said_without_address_and_key(
    service: RunPodService, jobs: RunPodJobs, operation: str, fault: int
) -> None:
    service.faults[operation] = deque([fault] * 1000)
    with pytest.raises(Unavailable, match=f"did not answer /{operation}: HTTP {fault}") as caught:
        CALLS[operation](jobs)
    assert "http:" not in str(caught.value)
    assert service.key not in repr(caught.value)


@each_call
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "does not take RUNPOD_API_KEY"),
        (402, "wants to be paid first"),
        (403, f"does not let RUNPOD_API_KEY use the endpoint {ENDPOINT}"),
        (302, "answers as its API should not"),
        (418, "answers as its API should not"),
    ],
)
def test_what_an_operator_has_to_mend_is_not_tried_again_and_says_what_to_look_at(
    service: RunPodService, jobs: RunPodJobs, operation: str, status: int, reason: str
) -> None:
    service.faults[operation] = deque([status])
    with pytest.raises(Misconfigured, match=f"RunPod {reason} .HTTP {status}.$"):
        CALLS[operation](jobs)
    assert service.operations() == [operation]


@each_call
def test_the_key_is_not_carried_on_to_where_an_answer_points(
    service: RunPodService, jobs: RunPodJobs, operation: str
) -> None:
    service.faults[operation] = deque([Fault.REDIRECT])
    with pytest.raises(Misconfigured, match="HTTP 307"):
        CALLS[operation](jobs)
    assert [asked.endpoint for asked in service.asked] == [ENDPOINT]


def test_a_wrong_key_is_told_from_a_wrong_endpoint(service: RunPodService) -> None:
    with (
        runpod_client("rpa_another", service.base_url) as client,
        pytest.raises(Misconfigured, match="does not take RUNPOD_API_KEY") as caught,
    ):
        RunPodJobs(lambda: client).start(ENDPOINT, REQUEST, LIMITS)
    assert "rpa_another" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_is_not_tried_again(
    service: RunPodService, jobs: RunPodJobs, status: int
) -> None:
    service.faults["run"] = deque([status])
    with pytest.raises(Rejected, match=f"HTTP {status}") as caught:
        jobs.start(ENDPOINT, REQUEST, LIMITS)
    assert PROMPT not in str(caught.value)
    assert service.operations() == ["run"]


@pytest.mark.parametrize("limits", [JobLimits(execution_seconds=5, ttl_seconds=60)])
def test_the_double_refuses_limits_that_runpod_s_documentation_rules_out(
    jobs: RunPodJobs, limits: JobLimits
) -> None:
    with pytest.raises(Rejected):
        jobs.start(ENDPOINT, REQUEST, limits)


@pytest.mark.parametrize("state", list(State))
def test_a_job_is_alive_while_it_waits_or_is_worked_on(
    service: RunPodService, jobs: RunPodJobs, state: State
) -> None:
    job_id = jobs.start(ENDPOINT, REQUEST, LIMITS)
    service.move(job_id, state)
    assert jobs.alive(ENDPOINT, job_id) is (state in (State.IN_QUEUE, State.IN_PROGRESS))


@pytest.mark.parametrize("status", [400, 404, 410])
@pytest.mark.parametrize("operation", ["status", "cancel"])
def test_a_job_that_nobody_knows_any_more_is_over(
    service: RunPodService, jobs: RunPodJobs, operation: str, status: int
) -> None:
    service.faults[operation] = deque([status])
    assert not CALLS[operation](jobs)


@pytest.mark.parametrize("operation", ["run", "status"])
def test_an_answer_that_is_not_runpod_s_is_a_service_that_is_away(
    service: RunPodService, jobs: RunPodJobs, operation: str
) -> None:
    job_id = jobs.start(ENDPOINT, REQUEST, LIMITS)
    service.faults[operation] = deque([Fault.GARBAGE])
    with pytest.raises(Unavailable, match="RunPod's answer has no"):
        jobs.alive(ENDPOINT, job_id) if operation == "status" else CALLS["run"](jobs)


def test_a_lost_reply_starts_a_second_job_and_the_last_one_is_named(
    service: RunPodService, jobs: RunPodJobs
) -> None:
    service.faults["run"] = deque([Fault.LOSE_REPLY])
    job_id = jobs.start(ENDPOINT, REQUEST, LIMITS)
    assert len(service.jobs) == 2
    assert list(service.jobs)[-1] == job_id


def test_nobody_listening_is_a_service_that_is_away() -> None:
    with running_runpod(ENDPOINT) as service:
        gone = service.base_url
    with (
        runpod_client("key", gone) as client,
        pytest.raises(Unavailable, match="did not answer /run: ConnectError"),
    ):
        RunPodJobs(lambda: client, SHORT_RETRY).start(ENDPOINT, REQUEST, LIMITS)


@pytest.mark.parametrize("key", ["", "   ", "two words", "line\nbreak", "schlüssel", "nul\0"])
def test_a_key_that_cannot_be_one_is_never_sent_nor_quoted(key: str) -> None:
    with pytest.raises(Misconfigured, match="RUNPOD_API_KEY") as caught:
        runpod_client(key, "https://api.example")
    assert not key.strip() or key not in str(caught.value)


def test_a_line_s_end_behind_the_key_is_no_part_of_it(service: RunPodService) -> None:
    with runpod_client(f"{service.key}\n", service.base_url) as client:
        RunPodJobs(lambda: client).start(ENDPOINT, REQUEST, LIMITS)


def test_the_environment_s_proxies_and_passwords_are_not_used(
    service: RunPodService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with runpod_client(service.key, service.base_url) as client:
        assert RunPodJobs(lambda: client, SHORT_RETRY).start(ENDPOINT, REQUEST, LIMITS)


def test_the_key_and_the_prompt_are_in_no_log_line_of_any_library(
    service: RunPodService, jobs: RunPodJobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.faults["run"] = deque([503])
    jobs.start(ENDPOINT, REQUEST, LIMITS)
    assert caplog.records
    assert service.key not in caplog.text
    assert PROMPT not in caplog.text


def test_a_client_that_cannot_be_made_fails_the_call_and_is_made_anew_for_the_next(
    service: RunPodService,
) -> None:
    keys = ["", service.key]
    with contextlib.ExitStack() as clients:
        jobs = RunPodJobs(
            lambda: clients.enter_context(runpod_client(keys.pop(0), service.base_url))
        )
        with pytest.raises(Misconfigured):
            jobs.alive(ENDPOINT, "job-1")
        assert jobs.alive(ENDPOINT, jobs.start(ENDPOINT, REQUEST, LIMITS))
    assert keys == []
