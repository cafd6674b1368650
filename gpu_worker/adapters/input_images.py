"""Reads the images that requests refer to: data URLs, and the person's own files in the bucket.

No address is ever fetched: an own file is read through the storage client, by its name, and every
other address is refused. The path decides what is own, so no token is needed, and none helps.
"""

import base64
import binascii
import re
from urllib.parse import unquote, urlsplit

from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.ports import Missing, ObjectStore, TooLarge

#: As in the contract for a data URL.
MAX_DATA_URL_BYTES = 10_000_000
#: As in the bucket's rules for an upload.
MAX_FILE_BYTES = 20 * 2**20
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,(.*)", re.IGNORECASE | re.DOTALL)
_DOWNLOAD_PATH = re.compile(r"/v0/b/([^/]+)/o/([^/]+)")
SERVED = (
    "it must be a data URL (data:image/png;base64,…), or a file of your own in this app's storage "
    "(gs://{bucket}/users/{{your uid}}/… or its download URL)."
)


class OwnImages:
    """An `InputImages` for a deployment: data URLs, and files below `users/{uid}/`."""

    def __init__(self, objects: ObjectStore, bucket: str, *, host: str) -> None:
        """`objects` reads `bucket`; `host` (scheme, name, port) serves its download URLs."""
        self._objects = objects
        self._bucket = bucket
        self._host = host.rstrip("/")

    def fetch(self, url: str, *, uid: str | None) -> bytes:
        if url[:5].lower() == "data:":
            return read_data_url(url)
        name = self._object_name(url)
        if name is None or uid is None or not name.startswith(f"users/{uid}/"):
            # The address may hold a token: it is not said again.
            served = SERVED.format(bucket=self._bucket)
            raise InvalidInput(f"An image's address is not one that is served here; {served}")
        try:
            return self._objects.read(name, max_bytes=MAX_FILE_BYTES)
        except Missing:
            raise GenerationError(
                ErrorCode.INPUT_UNAVAILABLE, f"There is no file {name} in this app's storage."
            ) from None
        except TooLarge:
            raise _too_large(MAX_FILE_BYTES) from None

    def _object_name(self, url: str) -> str | None:
        """The name of a file in our bucket, or None for any other address."""
        own = f"gs://{self._bucket}/"
        if url.startswith(own):
            return url.removeprefix(own)
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        found = _DOWNLOAD_PATH.fullmatch(parts.path)
        if found is None or f"{parts.scheme}://{parts.netloc}" != self._host:
            return None
        return unquote(found[2]) if found[1] == self._bucket else None


class InlineImages:
    """An `InputImages` without a bucket, for the command line: data URLs."""

    def fetch(self, url: str, *, uid: str | None) -> bytes:  # noqa: ARG002 - they are everybody's
        if url[:5].lower() == "data:":
            return read_data_url(url)
        raise InvalidInput(
            f"{url[:60]} is not fetched from the command line; an image's address must be a data "
            "URL, or a file's path from the request file's folder."
        )


def read_data_url(url: str) -> bytes:
    """The bytes in a base64 data URL. Raises `InvalidInput` or `GenerationError`."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise InvalidInput(
            f"An image's data URL begins with {url[:40]!r}; it must have the form "
            "data:image/png;base64,… (or jpeg, webp)."
        )
    try:
        data = base64.b64decode(re.sub(r"\s", "", found[1]), validate=True)
    except binascii.Error:
        raise InvalidInput("An image's data URL is damaged: it is not base64.") from None
    if len(data) > MAX_DATA_URL_BYTES:
        raise _too_large(MAX_DATA_URL_BYTES)
    return data


def _too_large(bound: int) -> GenerationError:
    return GenerationError(
        ErrorCode.INPUT_UNAVAILABLE,
        f"The image is too large; it must be a file of at most {bound // 10**6} MB.",
    )
