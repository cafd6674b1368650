"""What `push` refuses to start with: nobody in particular to take messages from, above all."""

import socket

import pytest

from gpu_worker import push
from gpu_worker.__main__ import main
from gpu_worker.adapters.push_tokens import PubSubTokens
from gpu_worker.intake.push_sender import Anybody
from gpu_worker.push_settings import PushSettings
from gpu_worker.settings import Settings
from gpu_worker.tasks import Tasks
from tests.unit.worker.forms import HOSTS

PATIENCE_SECONDS = 60.0
AUDIENCE = "https://worker.example/push"
ACCOUNT = "pusher@demo-emberframe.iam.gserviceaccount.com"
VERIFIED = {"EMBERFRAME_PUSH_AUDIENCE": AUDIENCE, "EMBERFRAME_PUSH_ACCOUNT": ACCOUNT}
UNVERIFIED = {"EMBERFRAME_PUSH_UNVERIFIED": "true", **HOSTS}


def refusal(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str
) -> str:
    """What `push` says before it ends with 2."""
    environment.setattr("gpu_worker.__main__.log_json", lambda _: None)
    environment.setattr("sys.argv", ["gpu_worker", "push"])
    for name, value in {**HOSTS, **variables}.items():
        environment.setenv(name, value)
    assert main() == 2
    return capsys.readouterr().err


def settings(environment: pytest.MonkeyPatch, **variables: str) -> PushSettings:
    for name, value in variables.items():
        environment.setenv(name, value)
    return PushSettings()


def test_whom_to_take_messages_from_has_to_be_said(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(environment, capsys) == (
        "EMBERFRAME_PUSH_AUDIENCE and EMBERFRAME_PUSH_ACCOUNT must be set: without the audience "
        "and the service account of the push subscription anybody could push\n"
    )


@pytest.mark.parametrize("given", VERIFIED)
def test_half_of_it_is_not_enough(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    (other,) = VERIFIED.keys() - {given}
    said = refusal(environment, capsys, **{given: VERIFIED[given], other: ""})
    assert said.startswith(f"{other} must be set: ")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("EMBERFRAME_PUSH_AUDIENCE", "two words", "it must be 1 to 512 visible ASCII characters"),
        ("EMBERFRAME_PUSH_AUDIENCE", "ä", "it must be 1 to 512 visible ASCII characters"),
        ("EMBERFRAME_PUSH_AUDIENCE", "x" * 513, "it must be 1 to 512 visible ASCII characters"),
        ("EMBERFRAME_PUSH_ACCOUNT", "pusher", "it must be a service account's address, like "),
        ("EMBERFRAME_PUSH_ACCOUNT", "ada@example.com", "it must be a service account's address"),
        ("EMBERFRAME_PUSH_ACCOUNT", f"{ACCOUNT}\n", "it must be a service account's address"),
        ("EMBERFRAME_PUSH_ACCOUNT", f"{ACCOUNT}.evil.example", "it must be a service account's"),
        ("EMBERFRAME_PUSH_UNVERIFIED", "perhaps", "Input should be a valid boolean"),
        ("PORT", "0", "Input should be greater than or equal to 1"),
        ("PORT", "65536", "Input should be less than or equal to 65535"),
        ("PORT", "http", "Input should be a valid integer"),
    ],
)
def test_a_wrong_value_gets_a_sentence(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    allowed: str,
) -> None:
    said = refusal(environment, capsys, **{**VERIFIED, variable: value})
    assert said.startswith(f"{variable} is {value!r}: {allowed}")


def test_anybody_may_push_beside_the_emulators_only(environment: pytest.MonkeyPatch) -> None:
    assert isinstance(push._sender(settings(environment, **UNVERIFIED)), Anybody)
    environment.delenv("PUBSUB_EMULATOR_HOST")
    with pytest.raises(ValueError, match="UNVERIFIED is true, without PUBSUB_EMULATOR_HOST"):
        PushSettings()


@pytest.mark.parametrize("given", VERIFIED)
def test_anybody_and_somebody_in_particular_is_a_contradiction(
    environment: pytest.MonkeyPatch, given: str
) -> None:
    with pytest.raises(ValueError, match=f"UNVERIFIED is true, and {given} set: "):
        settings(environment, **UNVERIFIED, **{given: VERIFIED[given]})


@pytest.mark.parametrize("hosts", [{}, HOSTS], ids=["production", "emulators"])
def test_whoever_is_named_is_verified(
    environment: pytest.MonkeyPatch, hosts: dict[str, str]
) -> None:
    found = settings(environment, **VERIFIED, **hosts, EMBERFRAME_PUSH_UNVERIFIED="false")
    assert isinstance(push._sender(found), PubSubTokens)
    assert found.port == 8080


@pytest.mark.parametrize("account", [ACCOUNT, "1-compute@developer.gserviceaccount.com"])
def test_service_accounts_of_every_kind_are_taken(
    environment: pytest.MonkeyPatch, account: str
) -> None:
    found = settings(environment, **{**VERIFIED, "EMBERFRAME_PUSH_ACCOUNT": account})
    assert found.push_account == account


@pytest.mark.parametrize("tasks", ["video", "both"])
def test_films_are_not_for_push(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tasks: str
) -> None:
    said = refusal(environment, capsys, **VERIFIED, EMBERFRAME_TASKS=tasks)
    assert said.startswith(
        f"EMBERFRAME_TASKS is {tasks!r}: for push it must be 'image', or not set"
    )


def test_push_without_a_model_for_pictures_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(environment, capsys, **VERIFIED, EMBERFRAME_IMAGE_MODEL="none")
    assert said.startswith("EMBERFRAME_IMAGE_MODEL is 'none': for push, ")


@pytest.mark.parametrize("variables", [{}, {"EMBERFRAME_TASKS": "image"}])
def test_push_loads_no_film_model(
    environment: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    found = push._for_pictures(Settings())
    assert (found.tasks, found.served_film_model) == (Tasks.IMAGE, "none")


def test_a_port_that_is_taken_gets_a_sentence(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(environment, capsys, **VERIFIED, PORT=str(port))
    assert said.startswith(f"PORT is {port}: it must be a free port (Address already in use")
