"""Follows one Firestore document over a Listen stream of its own; a broken one is opened again.

Not the client library's `on_snapshot`: while the server is away that one reconnects some 1500 times
a second, with a new thread each time. Here a pause of up to MAX_PAUSE_SECONDS lies in between. It
begins to listen after OPEN_AFTER_SECONDS: what is over by then needs no stream.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.cloud import firestore
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import ListenRequest, ListenResponse, TargetChange

from shared.ports import Snapshot

log = logging.getLogger(__name__)

#: Any positive number; there is one target a stream.
TARGET_ID = 1
#: Opening a stream beside a claim, uploads and an end makes those slower; a cancellation that comes
#: sooner waits for it, about as long as the fastest GPU's step of a picture.
OPEN_AFTER_SECONDS = 0.05
#: Bounds of the random pause before a stream is opened again; doubled up to the second.
FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0
#: How long `close` waits for a call-back that is running.
CLOSE_SECONDS = 1.0


class FirestoreWatch:
    """A `Subscription`. One thread, which ends with `close`."""

    def __init__(
        self,
        client: firestore.Client,
        path: str,
        on_change: Callable[[Snapshot | None], None],
    ) -> None:
        self._client = client
        self._path = path
        self._on_change = on_change
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._call: Any = None
        self._pause = FIRST_PAUSE_SECONDS
        self._thread = threading.Thread(target=self._follow, name=f"watch {path}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            call = self._call
        if call is not None:
            call.cancel()
        if threading.current_thread() is not self._thread:
            self._thread.join(CLOSE_SECONDS)

    def _follow(self) -> None:
        self._closed.wait(OPEN_AFTER_SECONDS)
        while not self._closed.is_set():
            try:
                self._listen()
            except grpc.RpcError as error:
                if not self._closed.is_set():
                    log.info("the watch of %s broke: %s", self._path, error.code())
            except Exception as error:  # noqa: BLE001 (logged without its text)
                # Only an accelerator: its absence makes stopping slower, and nothing wrong. Not the
                # error's text: it may quote what the person wrote.
                log.error("the watch of %s failed: %s", self._path, type(error).__name__)  # noqa: TRY400
                return
            self._closed.wait(random.uniform(0, self._pause))  # noqa: S311 (no secret)
            self._pause = min(MAX_PAUSE_SECONDS, self._pause * 2)

    def _listen(self) -> None:
        """One stream, until it breaks or `close` cancels it."""
        ended = threading.Event()
        with self._lock:
            if self._closed.is_set():
                return
            self._call = self._client._firestore_api.transport.listen(  # noqa: SLF001 (the public client has only on_snapshot)
                self._requests(ended),
                metadata=self._client._rpc_metadata,  # noqa: SLF001
            )
        try:
            for response in self._call:
                if self._closed.is_set() or not self._take(response):
                    return
        finally:
            self._call.cancel()
            ended.set()

    def _requests(self, ended: threading.Event) -> Iterator[ListenRequest]:
        database = self._client._database_string  # noqa: SLF001
        name = f"{database}/documents/{self._path}"
        target = {"documents": {"documents": [name]}, "target_id": TARGET_ID}
        yield ListenRequest(database=database, add_target=target)
        # The stream lasts as long as its requests may go on.
        ended.wait()

    def _take(self, response: ListenResponse) -> bool:
        """False when the stream has nothing more to say."""
        kind = ListenResponse.pb(response).WhichOneof("response_type")
        if kind == "target_change":
            change = response.target_change.target_change_type
            return bool(change != TargetChange.TargetChangeType.REMOVE)
        self._pause = FIRST_PAUSE_SECONDS
        if kind == "document_change":
            document = response.document_change.document
            data = _helpers.decode_dict(document.fields, self._client)
            # The stream says no other time of the server's; this one is early, never late.
            at = document.update_time
            self._on_change(Snapshot(data=data, version=at, read_time=at))
        elif kind == "document_delete":
            self._on_change(None)
        return True
