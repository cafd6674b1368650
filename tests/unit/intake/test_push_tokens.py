"""Only our subscription's requests are acted on: tokens of our own making, right and wrong."""

import hashlib
import hmac
import time
from typing import Any

import pytest

from gpu_worker.adapters.push_tokens import MAX_CHARACTERS, SKEW_SECONDS, PubSubTokens
from gpu_worker.adapters.signing_keys import SigningKeys
from gpu_worker.intake.push_sender import NotOurs
from tests.unit.intake.conftest import ACCOUNT, AUDIENCE, claims, header, refused
from tests.unit.intake.google_keys import KeyServer, Signer, encoded, part
from tests.unit.lifecycle.world import ManualClock


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


def test_a_token_of_lists_within_lists_is_refused(sender: PubSubTokens) -> None:
    nested = encoded(b"[" * 5000)
    assert "none" in refused(sender, f"{nested}.{part(claims())}.AA")
    assert "none" in refused(sender, f"{part(header())}.{nested}.AA")


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


@pytest.mark.parametrize("missing", ["audience", "account"])
def test_a_verifier_that_would_take_anybody_cannot_be_made(
    clock: ManualClock, missing: str
) -> None:
    given = {"audience": AUDIENCE, "account": ACCOUNT, missing: ""}
    with pytest.raises(ValueError, match="anybody"):
        PubSubTokens(SigningKeys(clock), **given)
