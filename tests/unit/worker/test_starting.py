"""What a worker refuses to start with, in a sentence and with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_worker.__main__ import main
from gpu_worker.credentials import NoCredentials, check_credentials
from gpu_worker.deployment import forget_empty_emulators
from gpu_worker.settings import Settings
from tests.unit.worker.forms import ADDRESSES, HOSTS, IMAGE_HOSTS, RIGHT_FORMS, WEB_ADDRESSES

PATIENCE_SECONDS = 60.0


def refusal(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str
) -> str:
    """What `pull` says before it ends with 2."""
    for name, value in variables.items():
        environment.setenv(name, value)
    environment.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), RIGHT_FORMS)
def test_a_value_of_the_right_form_is_taken(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert value in Settings().model_dump().values()


@pytest.mark.parametrize(("value", "hosts"), IMAGE_HOSTS.items())
def test_hosts_are_taken_without_their_commas(
    environment: pytest.MonkeyPatch, value: str, hosts: tuple[str, ...]
) -> None:
    environment.setenv("EMBERFRAME_IMAGE_HOSTS", value)
    assert Settings().image_hosts == hosts


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("web_address", WEB_ADDRESSES)
def test_all_three_emulators_are_taken(
    environment: pytest.MonkeyPatch, address: str, web_address: str
) -> None:
    for name in HOSTS:
        environment.setenv(name, web_address if name.startswith("STORAGE") else address)
    settings = Settings()
    assert settings.emulated
    assert settings.storage_emulator == web_address


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("EMBERFRAME_IMAGE_MODEL", "shapez", "it must be one of shapes, sdxl, none"),
        ("EMBERFRAME_FILM_MODEL", "sora", "it must be one of shapes-film, wan, none"),
        ("EMBERFRAME_MODEL_DIR", "/nowhere", "it must be the folder of a diffusers checkpoint, "),
        ("EMBERFRAME_BUCKET", "gs://b", "it must be a bucket's name without gs://: 3 to 63 "),
        ("EMBERFRAME_IMAGE_SUBSCRIPTION", "i", "it must be a subscription's name without its "),
        ("GOOGLE_CLOUD_PROJECT", "P", "it must be a project's id: 6 to 30 lower-case letters, "),
        ("PUBSUB_EMULATOR_HOST", "x", "it must be host:port, with a port from 1 to 65535"),
        ("STORAGE_EMULATOR_HOST", "x:1", "it must be http://host:port, with a port from "),
    ],
)
def test_the_sentence_says_what_is_allowed(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    allowed: str,
) -> None:
    said = refusal(environment, capsys, **{variable: value})
    assert said.startswith(f"{variable} is {value!r}: {allowed}")


def test_several_faults_get_a_sentence_each(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(environment, capsys, EMBERFRAME_SLOTS="0", EMBERFRAME_BUCKET="B")
    assert [line.split(" is ")[0] for line in said.splitlines()] == [
        "EMBERFRAME_BUCKET",
        "EMBERFRAME_SLOTS",
    ]


@pytest.mark.parametrize("given", [("PUBSUB",), ("FIRESTORE", "STORAGE"), ("PUBSUB", "STORAGE")])
def test_a_worker_between_emulators_and_production_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: tuple[str, ...]
) -> None:
    names = [f"{it}_EMULATOR_HOST" for it in given]
    said = refusal(environment, capsys, **{name: HOSTS[name] for name in names})
    set_ones = " and ".join(f"{name} is {HOSTS[name]!r}" for name in names)
    lacking = " and ".join(name for name in HOSTS if name not in names)
    assert said == (f"{set_ones}, without {lacking}: all three emulators must be set, or none\n")


def test_an_emulator_variable_set_to_nothing_is_not_set(environment: pytest.MonkeyPatch) -> None:
    for name in HOSTS:
        environment.setenv(name, "")
    assert not Settings().emulated
    forget_empty_emulators()
    assert not HOSTS.keys() & os.environ.keys()


def test_an_emulator_variable_with_a_value_is_kept(environment: pytest.MonkeyPatch) -> None:
    for name, value in HOSTS.items():
        environment.setenv(name, value)
    forget_empty_emulators()
    assert {name: os.environ[name] for name in HOSTS} == HOSTS


@pytest.fixture
def crippled(environment: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine whose ffmpeg has no encoder."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environment.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    return environment


def test_a_worker_that_could_not_write_its_films_is_refused(
    crippled: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(crippled, capsys, EMBERFRAME_FILM_CODEC="av1", **HOSTS)
    assert said.startswith("EMBERFRAME_FILM_CODEC is 'av1': ffmpeg (")
    assert said.endswith(") has no libsvtav1, so it cannot make av1 films.\n")
    assert said.count("\n") == 1


def test_a_worker_without_a_film_model_needs_no_encoder(
    crippled: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crippled.setattr("gpu_worker.pull.run_pull", lambda *_: 123)
    crippled.setattr("gpu_worker.__main__.log_json", lambda _: None)
    for name, value in {**HOSTS, "DOWNLOAD_WAN2_MODEL": "false"}.items():
        crippled.setenv(name, value)
    crippled.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 123


@pytest.fixture
def nobody(environment: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without Google credentials, which is not asked whether it is Google's."""
    environment.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    environment.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    environment.setenv("NO_GCE_CHECK", "true")
    return environment


def test_production_without_credentials_is_refused_by_the_process(
    nobody: pytest.MonkeyPatch,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_worker", "pull"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("GOOGLE_APPLICATION_CREDENTIALS is not set, and this machine ")
    assert "it must be the path of a service account's key file" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"type": "service_account"}', "{}"])
def test_a_key_file_that_is_none_is_named_and_not_quoted(
    nobody: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    nobody.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(NoCredentials) as refused:
        check_credentials()
    assert str(refused.value).startswith(
        f"GOOGLE_APPLICATION_CREDENTIALS is {str(key)!r}, which holds no usable Google credentials"
    )


def test_a_folder_in_the_key_file_s_place_is_refused(
    nobody: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))
    with pytest.raises(NoCredentials, match="no usable Google credentials"):
        check_credentials()


def test_credentials_that_are_there_are_enough(nobody: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(
        '{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}'
    )
    nobody.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    check_credentials()
