"""Judges signed addresses as Amazon S3 and Google Cloud Storage say that they do (V4).

Written from their descriptions, apart from the libraries that sign: the servers of these tests look
at no signature. Both hash the same canonical request; they differ in names and in how they sign.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.contract.s3_server import SECRET_KEY

#: Whether a signature, in hex, is right for a text of a scope.
Proof = Callable[[str, str, str], bool]


@dataclass(frozen=True)
class Judge:
    """Of one service: what its parameters begin with, its algorithm, and its proof."""

    prefix: str
    algorithm: str
    proof: Proof

    def admits(self, url: str, at: datetime) -> bool:
        """Whether the service would answer a GET of `url` at the time `at`."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        signature = query.pop(f"{self.prefix}-Signature")
        signed_at = query[f"{self.prefix}-Date"]
        scope = query[f"{self.prefix}-Credential"].partition("/")[2]
        assert query[f"{self.prefix}-Algorithm"] == self.algorithm
        assert query[f"{self.prefix}-SignedHeaders"] == "host"
        canonical = "\n".join(
            [
                "GET",
                parts.path,
                "&".join(f"{_encoded(name)}={_encoded(query[name])}" for name in sorted(query)),
                f"host:{parts.netloc}\n",
                "host",
                "UNSIGNED-PAYLOAD",
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{self.algorithm}\n{signed_at}\n{scope}\n{digest}"
        begin = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        end = begin + timedelta(seconds=int(query[f"{self.prefix}-Expires"]))
        return self.proof(text, scope, signature) and begin <= at < end


def s3_judge(secret: str = SECRET_KEY) -> Judge:
    def proof(text: str, scope: str, signature: str) -> bool:
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), signature)

    return Judge("X-Amz", "AWS4-HMAC-SHA256", proof)


def google_judge(key: RSAPublicKey) -> Judge:
    def proof(text: str, _scope: str, signature: str) -> bool:
        try:
            key.verify(bytes.fromhex(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    return Judge("X-Goog", "GOOG4-RSA-SHA256", proof)


def _encoded(text: str) -> str:
    return quote(text, safe="~")
