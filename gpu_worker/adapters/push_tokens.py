"""Tells Pub/Sub's push requests by their OIDC token: signed by Google, for us, from our account.

The library checks signature and times. Before it, the algorithm: RS256 and no other, so that
neither "none" nor a certificate misused as an HMAC key gets in. After it, the claims. Nothing of
a token is ever quoted: whoever logs a refusal logs no credential.
"""

from collections.abc import Mapping
from typing import Any

from google.auth import exceptions, jwt

from gpu_worker.adapters.signing_keys import SigningKeys
from gpu_worker.intake.push_sender import NotOurs

ALGORITHM = "RS256"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
#: Between our clock and Google's.
SKEW_SECONDS = 10
#: A token of Google's takes about 1 200 bytes.
MAX_CHARACTERS = 8192
_SCHEME = "bearer "
#: What Cloud Run leaves of the signature of a token that it has checked itself.
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"


class PubSubTokens:
    """A `PushSender`."""

    def __init__(self, keys: SigningKeys, *, audience: str, account: str) -> None:
        """`audience` and `account` (a service account's address) are the push subscription's."""
        if not audience or not account:
            raise ValueError("an audience and an account are needed; without, anybody would do")
        self._keys = keys
        self._audience = audience
        self._account = account

    def check(self, authorization: str | None) -> None:
        token = _token(authorization)
        claims = self._signed_claims(token)
        if claims.get("iss") not in ISSUERS:
            raise NotOurs("its token is another issuer's")
        if claims.get("aud") != self._audience:
            raise NotOurs("its token is for another audience")
        if claims.get("email") != self._account:
            raise NotOurs("its token is another account's")
        if claims.get("email_verified") is not True:
            raise NotOurs("its token's account is not verified")

    def _signed_claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.decode_header(token)
        # Lists within lists, which nobody signed, end in Python's own bound.
        except (exceptions.GoogleAuthError, ValueError, RecursionError):
            raise NotOurs("its token is none") from None
        key_id = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
            raise NotOurs("its token is signed in another way than Google's")
        certificate = self._keys.certificate(key_id)
        if certificate is None:
            raise NotOurs("its token is signed with a key that is not Google's")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, certs={key_id: certificate}, clock_skew_in_seconds=SKEW_SECONDS
            )
        # A time that is no number is a TypeError.
        except (exceptions.GoogleAuthError, ValueError, TypeError):
            raise NotOurs("its token is forged, or not valid at this time") from None
        return claims


def _token(authorization: str | None) -> str:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise NotOurs("it has no bearer token")
    token = authorization[len(_SCHEME) :].strip()
    if len(token) > MAX_CHARACTERS or not token.isascii():
        raise NotOurs("its token is none")
    if token.endswith(_REMOVED):
        raise NotOurs(
            "Cloud Run has taken its token's signature away, as it does where it checks callers "
            "itself; a service whose worker checks them must allow unauthenticated calls"
        )
    return token
