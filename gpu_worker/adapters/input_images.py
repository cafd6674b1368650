"""Reads the images that requests refer to: data URLs, own files in the bucket, files of hosts.

An own file is read through the storage client, by its name: the path decides what is own, so no
token is needed, and none helps. Hosts are asked only if the operator allows them.
"""

from collections.abc import Callable
from typing import Protocol

from gpu_worker.adapters.data_url import read_data_url, too_large
from gpu_worker.image_addresses import DATA_SCHEME, OwnFile, ServedAddresses, WebFile
from gpu_worker.ports import never_stopped
from shared.errors import ErrorCode, GenerationError, InvalidInput
from shared.ports import Missing, ObjectStore, TooLarge

#: As in the bucket's rules for an upload.
MAX_FILE_BYTES = 20 * 2**20


class Web(Protocol):
    """What fetches from allowed hosts: `WebImages`."""

    def fetch(self, file: WebFile, field: str, check: Callable[[], None]) -> bytes:
        """The whole file. Raises `GenerationError` and whatever `check` raises."""


class DeploymentImages:
    """An `InputImages` for a deployment."""

    def __init__(self, objects: ObjectStore, served: ServedAddresses, web: Web) -> None:
        """`objects` reads the bucket of `served`."""
        self._objects = objects
        self._served = served
        self._web = web

    def fetch(
        self,
        url: str,
        *,
        field: str,
        uid: str | None,
        check: Callable[[], None] = never_stopped,
    ) -> bytes:
        if url[: len(DATA_SCHEME)].lower() == DATA_SCHEME:
            return read_data_url(url, field)
        file = self._served.read(url, field, uid=uid)
        if isinstance(file, OwnFile):
            return self._read(file, field)
        return self._web.fetch(file, field, check)

    def _read(self, file: OwnFile, field: str) -> bytes:
        try:
            return self._objects.read(file.name, max_bytes=MAX_FILE_BYTES)
        except Missing:
            raise GenerationError(
                ErrorCode.INPUT_UNAVAILABLE,
                f"{field} cannot be had: there is no file {file.name} in this app's storage.",
            ) from None
        except TooLarge:
            raise too_large(field, MAX_FILE_BYTES) from None


class InlineImages:
    """An `InputImages` without a bucket, for the command line: data URLs."""

    def fetch(
        self,
        url: str,
        *,
        field: str,
        uid: str | None,  # noqa: ARG002 - data URLs are everybody's
        check: Callable[[], None] = never_stopped,  # noqa: ARG002 - nothing is waited for
    ) -> bytes:
        if url[: len(DATA_SCHEME)].lower() == DATA_SCHEME:
            return read_data_url(url, field)
        raise InvalidInput(
            f"{field} is not fetched from the command line; it must be a data URL, or a file's "
            "path from the request file's folder."
        )
