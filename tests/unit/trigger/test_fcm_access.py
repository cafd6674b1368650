"""Whose credentials go where."""

from typing import Any

import pytest
from google.auth import exceptions

from shared.serverless import Misconfigured
from trigger.adapters.fcm_access import ADDRESS, DOUBLES_TOKEN, SCOPE, fcm_access


def test_without_a_double_it_is_google_s_own_address_and_the_account_s_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    def default(**given: Any) -> tuple[object, str]:
        asked.update(given)
        return object(), "p"

    monkeypatch.setattr("google.auth.default", default)
    access = fcm_access(None, "p")
    assert (access.address, asked) == (ADDRESS, {"scopes": [SCOPE]})
    assert ADDRESS.startswith("https://fcm.googleapis.com")
    assert access.session.trust_env is False


def test_an_account_without_credentials_is_the_operator_s_to_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def default(**_: Any) -> tuple[object, str]:
        raise exceptions.DefaultCredentialsError("secret")

    monkeypatch.setattr("google.auth.default", default)
    with pytest.raises(Misconfigured, match=r"^there are no credentials") as caught:
        fcm_access(None, "p")
    assert "secret" not in str(caught.value)


def test_a_double_gets_a_word_and_nobody_s_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def default(**_: Any) -> tuple[object, str]:
        raise AssertionError("nobody is to be asked for credentials")

    monkeypatch.setattr("google.auth.default", default)
    access = fcm_access("http://127.0.0.1:9000", "p")
    assert access.address == "http://127.0.0.1:9000"
    assert access.session.credentials.token == DOUBLES_TOKEN
