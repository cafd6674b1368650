"""Google's keys, somebody else's, and a verifier that knows Google's."""

import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gpu_worker.adapters.push_tokens import PubSubTokens
from gpu_worker.adapters.signing_keys import SigningKeys
from gpu_worker.intake.push_sender import NotOurs
from tests.unit.intake.google_keys import KeyServer, Signer, running_key_server
from tests.unit.lifecycle.world import ManualClock, World

AUDIENCE = "https://worker.example/push"
ACCOUNT = "pusher@demo-emberframe.iam.gserviceaccount.com"
KEY_ID = "key-1"
HOUR = 3600


@pytest.fixture(scope="module")
def google() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def mallory() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def _server() -> Iterator[KeyServer]:
    with running_key_server() as server:
        yield server


@pytest.fixture
def server(_server: KeyServer, google: Signer) -> KeyServer:
    """As if new, with Google's one key."""
    _server.__dict__.update(KeyServer().__dict__ | {"url": _server.url})
    _server.certificates = {KEY_ID: google.certificate}
    return _server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sender(server: KeyServer, clock: ManualClock) -> PubSubTokens:
    return PubSubTokens(SigningKeys(clock, server.url), audience=AUDIENCE, account=ACCOUNT)


def header(**changes: Any) -> dict[str, Any]:
    return {"alg": "RS256", "kid": KEY_ID, "typ": "JWT", **changes}


def claims(**changes: Any) -> dict[str, Any]:
    """As Pub/Sub sends them."""
    now = int(time.time())
    return {
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "email": ACCOUNT,
        "email_verified": True,
        "exp": now + HOUR,
        "iat": now,
        "iss": "https://accounts.google.com",
        "sub": "113774264463038321964",
        **changes,
    }


def refused(sender: PubSubTokens, token: str) -> str:
    with pytest.raises(NotOurs) as caught:
        sender.check(f"Bearer {token}")
    said = str(caught.value)
    assert not any(piece and piece in said for piece in token.split("."))
    shown = "".join(traceback.format_exception(caught.value))
    assert token not in shown, "the library's own message quotes it"
    return said


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(4) as files:
        world = World(pool, files)
        yield world
        world.close()
