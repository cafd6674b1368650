"""Which endpoints there are, from the environment."""

import pytest

from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.serverless import JobLimits, Misconfigured
from trigger.endpoints import (
    BASE_URL,
    BY_TOPIC,
    Endpoint,
    base_url_from,
    endpoints_from,
    is_dispatched,
)

IMAGES = "RUNPOD_IMAGE_ENDPOINT_ID"
FILMS = "RUNPOD_VIDEO_ENDPOINT_ID"
BOTH = "RUNPOD_ENDPOINT_ID"
EXECUTION = "EMBERFRAME_RUNPOD_IMAGE_EXECUTION_SECONDS"
TTL = "EMBERFRAME_RUNPOD_IMAGE_TTL_SECONDS"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, {}),
        ({BOTH: "", IMAGES: "", FILMS: ""}, {}),
        ({BOTH: "all"}, {IMAGE_TOPIC: "all", VIDEO_TOPIC: "all"}),
        ({FILMS: "wan"}, {VIDEO_TOPIC: "wan"}),
        ({IMAGES: "sdxl"}, {IMAGE_TOPIC: "sdxl"}),
        ({BOTH: "all", FILMS: "wan"}, {IMAGE_TOPIC: "all", VIDEO_TOPIC: "wan"}),
    ],
)
def test_each_kind_goes_to_its_own_endpoint_or_to_the_common_one(
    environment: dict[str, str], named: dict[str, str]
) -> None:
    endpoints = endpoints_from(environment)
    assert {topic: it.endpoint_id for topic, it in endpoints.items()} == named
    assert [topic for topic in BY_TOPIC if is_dispatched(topic, environment)] == list(named)


def test_limits_have_defaults_by_kind_and_a_film_has_more_time() -> None:
    endpoints = endpoints_from({BOTH: "all"})
    assert endpoints[IMAGE_TOPIC].limits == JobLimits(execution_seconds=1500, ttl_seconds=21600)
    assert endpoints[VIDEO_TOPIC].limits == JobLimits(execution_seconds=7800, ttl_seconds=86400)


def test_limits_can_be_set() -> None:
    environment = {IMAGES: "sdxl", EXECUTION: "60", TTL: "604800"}
    limits = JobLimits(execution_seconds=60, ttl_seconds=604800)
    assert endpoints_from(environment) == {IMAGE_TOPIC: Endpoint(endpoint_id="sdxl", limits=limits)}


@pytest.mark.parametrize("value", ["0", "9", "604801", "-60", "1e3", "ten", " 60", "٦٠"])
@pytest.mark.parametrize("variable", [EXECUTION, TTL])
def test_a_wrong_limit_is_named_with_what_it_must_be(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"{variable} is .* from 10 to 604800"):
        endpoints_from({BOTH: "all", variable: value})


def test_a_job_may_not_be_thrown_away_before_its_time_is_over() -> None:
    with pytest.raises(Misconfigured, match=f"{TTL} is 100; it must be at least {EXECUTION}"):
        endpoints_from({BOTH: "all", EXECUTION: "101", TTL: "100"})


@pytest.mark.parametrize("variable", [BOTH, IMAGES, FILMS])
@pytest.mark.parametrize("value", ["a/b", "..", "a b", "ä", "x" * 129, "https://api.runpod.ai/x"])
def test_an_endpoint_that_is_no_id_is_named_by_its_variable(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"{variable} is .* the id of an endpoint"):
        endpoints_from({variable: value})
    # Deployed all the same, so that it is its own run that says so.
    assert any(is_dispatched(topic, {variable: value}) for topic in BY_TOPIC)


@pytest.mark.parametrize("given", [{}, {"RUNPOD_ENDPOINT_BASE_URL": ""}])
def test_the_api_is_runpod_s_unless_told_otherwise(given: dict[str, str]) -> None:
    assert base_url_from(given) == BASE_URL


@pytest.mark.parametrize(
    "url", ["https://proxy.example/v2", "http://127.0.0.1:8000/v2", "http://localhost/v2"]
)
def test_it_may_be_elsewhere_where_nobody_can_listen_to_the_key(url: str) -> None:
    assert base_url_from({"RUNPOD_ENDPOINT_BASE_URL": url}) == url


@pytest.mark.parametrize("url", ["http://api.runpod.ai/v2", "api.runpod.ai", "https://", "ftp://x"])
def test_it_may_not_be_where_the_key_would_go_in_the_clear(url: str) -> None:
    with pytest.raises(Misconfigured, match="RUNPOD_ENDPOINT_BASE_URL is"):
        base_url_from({"RUNPOD_ENDPOINT_BASE_URL": url})
