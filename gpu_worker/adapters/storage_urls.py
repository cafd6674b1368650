"""Addresses under which a phone downloads an object of Google Cloud Storage that is private.

Either Firebase's, with a token in the object's metadata, good until that is taken away; or signed
ones (V4), good for a time. A signature is made here, with the key of a service account: no call.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import quote

from google.auth.credentials import Signing

#: Firebase's own key for download tokens.
TOKEN_KEY = "firebaseStorageDownloadTokens"  # noqa: S105 (a name, not a secret)
PUBLIC_HOST = "https://firebasestorage.googleapis.com"
SIGNED_HOST = "https://storage.googleapis.com"


class DownloadUrls(Protocol):
    """How one bucket's objects are addressed."""

    def metadata(self) -> Mapping[str, str]:
        """What a new object must carry for its address."""

    def url(self, blob: Any) -> str:
        """The secret address of a `storage.Blob` whose metadata is known."""


class TokenUrls:
    """Firebase's, as its clients' `getDownloadURL()` returns them. `host` may be an emulator's."""

    def __init__(self, host: str = PUBLIC_HOST) -> None:
        self._host = host.rstrip("/")

    def metadata(self) -> Mapping[str, str]:
        return {TOKEN_KEY: str(uuid.uuid4())}

    def url(self, blob: Any) -> str:
        token = (blob.metadata or {}).get(TOKEN_KEY, "")
        path = f"/v0/b/{blob.bucket.name}/o/{quote(blob.name, safe='')}"
        return f"{self._host}{path}?alt=media&token={token}"


class SignedUrls:
    """Good for `seconds` (at most 7 days, Google's bound) after each storing."""

    def __init__(self, credentials: Signing, seconds: int, host: str = SIGNED_HOST) -> None:
        self._credentials = credentials
        self._seconds = seconds
        self._host = host.rstrip("/")

    def metadata(self) -> Mapping[str, str]:
        return {}

    def url(self, blob: Any) -> str:
        url: str = blob.generate_signed_url(
            version="v4",
            method="GET",
            expiration=timedelta(seconds=self._seconds),
            credentials=self._credentials,
            api_access_endpoint=self._host,
        )
        return url

    def base(self, bucket: str) -> str:
        """What every address begins with; the object's name follows, percent-encoded."""
        return f"{self._host}/{bucket}/"
