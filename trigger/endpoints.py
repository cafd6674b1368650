"""Which endpoints of RunPod the generations go to, as the deployment's environment says.

None named: workers fetch their work themselves, and no function here knows RunPod.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.dispatched import NAME
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.serverless import JobLimits, Misconfigured

#: Of both kinds, unless the kind has one of its own.
ENDPOINT_VARIABLE = "RUNPOD_ENDPOINT_ID"
KEY_VARIABLE = "RUNPOD_API_KEY"
#: The name that RunPod's own SDK has for it.
BASE_URL_VARIABLE = "RUNPOD_ENDPOINT_BASE_URL"
BASE_URL = "https://api.runpod.ai/v2"

#: RunPod's bounds: `executionTimeout` above 5 s, `ttl` at most a week.
MIN_SECONDS = 10
MAX_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSettings:
    """Names and defaults of what a deployment may say of one topic's endpoint."""

    endpoint_variable: str
    execution_variable: str
    ttl_variable: str
    #: The worker's own time limit twice over, since one more job may be in its engine before this
    #: one, and time to store: a backstop for a worker that hangs, as the worker ends the others.
    execution_seconds: int
    #: Nobody waits longer. The document outlives it, and may be handed over once more.
    ttl_seconds: int


BY_TOPIC: Mapping[str, EndpointSettings] = {
    IMAGE_TOPIC: EndpointSettings(
        endpoint_variable="RUNPOD_IMAGE_ENDPOINT_ID",
        execution_variable="EMBERFRAME_RUNPOD_IMAGE_EXECUTION_SECONDS",
        ttl_variable="EMBERFRAME_RUNPOD_IMAGE_TTL_SECONDS",
        execution_seconds=1500,
        ttl_seconds=6 * 3600,
    ),
    VIDEO_TOPIC: EndpointSettings(
        endpoint_variable="RUNPOD_VIDEO_ENDPOINT_ID",
        execution_variable="EMBERFRAME_RUNPOD_VIDEO_EXECUTION_SECONDS",
        ttl_variable="EMBERFRAME_RUNPOD_VIDEO_TTL_SECONDS",
        execution_seconds=2 * 3600 + 600,
        ttl_seconds=24 * 3600,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    endpoint_id: str
    limits: JobLimits


def is_dispatched(topic: str, environment: Mapping[str, str]) -> bool:
    """Whether an endpoint is named, rightly or not, for what comes on `topic`."""
    return _named(BY_TOPIC[topic], environment)[1] != ""


def endpoints_from(environment: Mapping[str, str]) -> Mapping[str, Endpoint]:
    """By topic, of those that have one. A variable that is set to nothing counts as not set.

    Raises `Misconfigured` with variable, value and what it must be.
    """
    endpoints = {}
    for topic, known in BY_TOPIC.items():
        variable, named = _named(known, environment)
        if not named:
            continue
        if not NAME.fullmatch(named):
            raise Misconfigured(
                f"{variable} is {named!r}; it must be the id of an endpoint, as in its address"
            )
        endpoints[topic] = Endpoint(endpoint_id=named, limits=_limits(known, environment))
    return endpoints


def base_url_from(environment: Mapping[str, str]) -> str:
    """Where RunPod's API is. Raises `Misconfigured` where no key should be sent to."""
    url = environment.get(BASE_URL_VARIABLE) or BASE_URL
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise Misconfigured(
            f"{BASE_URL_VARIABLE} is {url!r}; it must begin with https://, or with http:// on "
            "this machine"
        )
    return url


def _named(known: EndpointSettings, environment: Mapping[str, str]) -> tuple[str, str]:
    """Variable and value; the value is "" where there is none."""
    own = environment.get(known.endpoint_variable)
    if own:
        return known.endpoint_variable, own
    return ENDPOINT_VARIABLE, environment.get(ENDPOINT_VARIABLE) or ""


def _limits(known: EndpointSettings, environment: Mapping[str, str]) -> JobLimits:
    limits = JobLimits(
        execution_seconds=_seconds(environment, known.execution_variable, known.execution_seconds),
        ttl_seconds=_seconds(environment, known.ttl_variable, known.ttl_seconds),
    )
    if limits.ttl_seconds < limits.execution_seconds:
        raise Misconfigured(
            f"{known.ttl_variable} is {limits.ttl_seconds}; it must be at least "
            f"{known.execution_variable}, which is {limits.execution_seconds}, and what a job waits"
        )
    return limits


def _seconds(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    # Not int() alone, which takes " 1_0 " too.
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not MIN_SECONDS <= value <= MAX_SECONDS:
        raise Misconfigured(
            f"{name} is {text!r}; it must be a whole number of seconds from {MIN_SECONDS} to "
            f"{MAX_SECONDS}"
        )
    return value
