"""A service account's key that comes as a variable: where a host has no files for secrets."""

import json
import stat
from pathlib import Path

import pytest

from gpu_worker.credentials import NoCredentials, install_key

KEY = json.dumps({"type": "service_account", "client_email": "a@b", "private_key": "secret-words"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_key_becomes_a_file_that_only_we_read_and_leaves_the_environment() -> None:
    environment = {"EMBERFRAME_GOOGLE_KEY": KEY}
    install_key(environment)
    assert environment.keys() == {"GOOGLE_APPLICATION_CREDENTIALS"}
    file = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"])
    assert file.read_text() == KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("given", [{}, {"EMBERFRAME_GOOGLE_KEY": ""}])
def test_without_a_key_nothing_happens(given: dict[str, str], folder: Path) -> None:
    install_key(given)
    assert given == {}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("key", ["{", "[]", "7", "null", '"client_email"', "{}", KEY[:40]])
def test_what_is_no_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(NoCredentials) as refused:
        install_key({"EMBERFRAME_GOOGLE_KEY": key})
    assert str(refused.value) == (
        "EMBERFRAME_GOOGLE_KEY holds no key: it must be the whole JSON of a service account's key"
    )


def test_two_keys_are_one_too_many() -> None:
    given = {"EMBERFRAME_GOOGLE_KEY": KEY, "GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}
    with pytest.raises(NoCredentials, match="are both set: it must be one of them"):
        install_key(given)
