"""Only our subscription's requests are acted on: tokens of our own making, right and wrong."""

import hashlib
import hmac
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from gpu_worker.adapters.push_tokens import MAX_CHARACTERS, SKEW_SECONDS, PubSubTokens
from gpu_worker.adapters.signing_keys import MAX_STALE_SECONDS, REFETCH_SECONDS, SigningKeys
from gpu_worker.intake.push_sender import NotOurs
from shared.ports import Unavailable
from tests.unit.intake.google_keys import KeyServer, Signer, encoded, part, running_key_server
from tests.unit.lifecycle.world import ManualClock

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


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_a_token_of_our_subscription_gets_in(
    sender: PubSubTokens, google: Signer, scheme: str
) -> None:
    sender.check(scheme + google.token(header(), claims()))
    sender.check(scheme + google.token(header(), claims(iss="accounts.google.com")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "https://worker.example/"}, "another audience"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"iss": "https://accounts.google.com.evil.example"}, "another issuer"),
        ({"iss": f"https://securetoken.google.com/{ACCOUNT}"}, "another issuer"),
        ({"iss": ["https://accounts.google.com"]}, "another issuer"),
        ({"email": "pusher@other-project.iam.gserviceaccount.com"}, "another account"),
        ({"email": ACCOUNT.upper()}, "another account"),
        ({"email": None}, "another account"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "true"}, "not verified"),
        ({"email_verified": 1}, "not verified"),
        ({"exp": 0}, "not valid at this time"),
        ({"exp": "tomorrow"}, "not valid at this time"),
        ({"exp": None}, "not valid at this time"),
        ({"iat": "today"}, "not valid at this time"),
    ],
)
def test_a_token_with_another_claim_is_refused(
    sender: PubSubTokens, google: Signer, changes: dict[str, Any], words: str
) -> None:
    assert words in refused(sender, google.token(header(), claims(**changes)))


@pytest.mark.parametrize("missing", ["aud", "email", "email_verified", "exp", "iat", "iss"])
def test_a_token_without_a_claim_is_refused(
    sender: PubSubTokens, google: Signer, missing: str
) -> None:
    left = {name: value for name, value in claims().items() if name != missing}
    refused(sender, google.token(header(), left))


def test_clocks_may_differ_a_little_and_no_more(sender: PubSubTokens, google: Signer) -> None:
    now = int(time.time())
    half = SKEW_SECONDS // 2
    for changes in ({"exp": now - half}, {"iat": now + half}):
        sender.check("Bearer " + google.token(header(), claims(**changes)))
    for changes in ({"exp": now - 2 * SKEW_SECONDS}, {"iat": now + 20 * SKEW_SECONDS}):
        assert "not valid at this time" in refused(
            sender, google.token(header(), claims(**changes))
        )


def test_a_token_of_another_key_is_refused_whatever_id_it_claims(
    sender: PubSubTokens, mallory: Signer
) -> None:
    assert "forged" in refused(sender, mallory.token(header(), claims()))
    assert "not Google's" in refused(sender, mallory.token(header(kid="key-9"), claims()))


def test_a_key_that_a_token_brings_along_is_not_looked_at(
    sender: PubSubTokens, server: KeyServer, mallory: Signer
) -> None:
    for own in ({"x5c": [mallory.certificate]}, {"jku": server.url}, {"x5u": server.url}):
        assert "forged" in refused(sender, mallory.token(header(**own), claims()))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "", None, "HS256", "RS384", "ES256", ["RS256"]]
)
def test_a_token_of_another_algorithm_is_refused(
    sender: PubSubTokens, google: Signer, algorithm: object
) -> None:
    assert "another way" in refused(sender, google.token(header(alg=algorithm), claims()))


def test_an_unsigned_token_is_refused(sender: PubSubTokens) -> None:
    for algorithm in ("none", "RS256"):
        refused(sender, f"{part(header(alg=algorithm))}.{part(claims())}.")


def test_the_certificate_is_no_hmac_key(sender: PubSubTokens, google: Signer) -> None:
    signed = f"{part(header(alg='HS256'))}.{part(claims())}"
    digest = hmac.new(google.certificate.encode(), signed.encode(), hashlib.sha256).digest()
    assert "another way" in refused(sender, f"{signed}.{encoded(digest)}")


@pytest.mark.parametrize("key_id", [None, 1, ["key-1"], {}])
def test_a_token_without_a_key_id_is_refused(
    sender: PubSubTokens, google: Signer, key_id: object
) -> None:
    assert "another way" in refused(sender, google.token(header(kid=key_id), claims()))


def test_claims_that_were_changed_after_signing_are_refused(
    sender: PubSubTokens, google: Signer
) -> None:
    first, _, signature = google.token(header(), claims(aud="https://other.example")).split(".")
    assert "forged" in refused(sender, f"{first}.{part(claims())}.{signature}")


@pytest.mark.parametrize(
    "authorization",
    [
        *(
            None,
            "",
            "Bearer",
            "Bearer ",
            "Basic dXNlcjp3b3Jk",
            "Bearer x",
            "Bearer a.b",
            "Bearer ...",
        ),
        *(
            "Bearer a.b.c",
            "Bearer e30.e30.",
            "Bearer W10.W10.AA",
            "Bearer ä.ä.ä",
            "Bearer \0.\0.\0",
        ),
        "Bearer " + "a" * MAX_CHARACTERS + ".b.c",
    ],
)
def test_what_is_no_token_is_refused(sender: PubSubTokens, authorization: str | None) -> None:
    with pytest.raises(NotOurs):
        sender.check(authorization)


def test_keys_are_fetched_once_as_long_as_they_are_fresh(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer
) -> None:
    token = "Bearer " + google.token(header(), claims())
    for _ in range(5):
        sender.check(token)
    clock.advance(HOUR - 1)
    sender.check(token)
    assert server.asked == 1
    clock.advance(1)
    sender.check(token)
    assert server.asked == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("no-store", HOUR), ("max-age=0", 60), ("max-age=999999999", 86_400), ("s-max-age=5", HOUR)],
)
def test_how_long_keys_are_fresh_is_bounded(
    server: KeyServer, clock: ManualClock, said: str, seconds: float
) -> None:
    server.headers = {"Cache-Control": said}
    keys = SigningKeys(clock, server.url)
    assert keys.certificate(KEY_ID)
    clock.advance(seconds - 1)
    assert keys.certificate(KEY_ID)
    assert server.asked == 1
    clock.advance(1)
    assert keys.certificate(KEY_ID)
    assert server.asked == 2


def test_a_new_key_is_found_as_soon_as_it_signs(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer, mallory: Signer
) -> None:
    sender.check("Bearer " + google.token(header(), claims()))
    server.certificates = {"key-2": mallory.certificate}  # who is Google by now
    clock.advance(REFETCH_SECONDS)
    sender.check("Bearer " + mallory.token(header(kid="key-2"), claims()))
    assert "not Google's" in refused(sender, google.token(header(), claims()))


def test_invented_key_ids_do_not_have_the_keys_fetched_each_time(
    sender: PubSubTokens, server: KeyServer, mallory: Signer
) -> None:
    for number in range(20):
        refused(sender, mallory.token(header(kid=f"invented-{number}"), claims()))
    assert server.asked == 1


def broken(server: KeyServer) -> None:
    server.status = 500


def no_json(server: KeyServer) -> None:
    server.body = b"<html>"


def other_json(server: KeyServer) -> None:
    server.body = b'{"keys": [{"kid": "key-1"}]}'


def nothing(server: KeyServer) -> None:
    server.body = b"{}"


def moved(server: KeyServer) -> None:
    server.status, server.headers = 302, {"Location": server.url}


@pytest.mark.parametrize("fault", [broken, no_json, other_json, nothing, moved])
def test_keys_serve_on_for_a_day_while_their_source_is_away(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer, fault: Any
) -> None:
    token = "Bearer " + google.token(header(), claims())
    sender.check(token)
    fault(server)
    clock.advance(MAX_STALE_SECONDS)
    sender.check(token)
    clock.advance(1)
    with pytest.raises(Unavailable):
        sender.check(token)


def test_without_any_key_nobody_is_judged(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer
) -> None:
    broken(server)
    token = "Bearer " + google.token(header(), claims())
    for _ in range(3):
        with pytest.raises(Unavailable):
            sender.check(token)
    assert server.asked == 1
    server.status = 200
    clock.advance(REFETCH_SECONDS)
    sender.check(token)


@pytest.mark.parametrize("missing", ["audience", "account"])
def test_a_verifier_that_would_take_anybody_cannot_be_made(
    clock: ManualClock, missing: str
) -> None:
    given = {"audience": AUDIENCE, "account": ACCOUNT, missing: ""}
    with pytest.raises(ValueError, match="anybody"):
        PubSubTokens(SigningKeys(clock), **given)
