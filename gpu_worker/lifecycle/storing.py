"""Stores one attempt's files under its token, and can take them away again.

The document is written only after every file is stored, so it never refers to a missing one.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, TypeVar

from gpu_worker.lifecycle.control import JobControl, StopReason
from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.media.picture_file import EncodedFile
from shared.crash_points import CrashPoint, crash_point
from shared.ports import ObjectStore, StoredObject

log = logging.getLogger(__name__)

#: Of the time that a worker has to leave.
DISCARD_SECONDS = 1.0

T = TypeVar("T")
U = TypeVar("U")


class FileStorer:
    """One attempt's. Raises `Unavailable`, `Stopped`."""

    def __init__(
        self,
        objects: ObjectStore,
        threads: Executor,
        leased: LeasedDocument,
        control: JobControl,
    ) -> None:
        self._objects = objects
        self._threads = threads
        self._control = control
        self._path = leased.path
        self._token = leased.lease.token
        self._created: list[StoredObject] = []
        #: Seconds, by stage: `upload`, and those of `each`.
        self.timings: dict[str, float] = {}

    def upload(self, files: Iterable[tuple[str, EncodedFile]]) -> list[StoredObject]:
        """Names within the attempt's folder, and what to store under them."""
        return self.each("upload", self._upload, files)

    def discard(self) -> None:
        """Delete what this attempt created; what cannot be deleted now is left for the sweep.

        By generation, not only by name: if the document was deleted and made anew meanwhile, an
        object of the same name may be the new one's. On shutdown it is tried for no longer than
        DISCARD_SECONDS: the message has to go back too.
        """
        if self._control.reason is StopReason.SHUTDOWN:
            wait([self._threads.submit(self._discard)], DISCARD_SECONDS)
        else:
            self._discard()

    def _discard(self) -> None:
        for stored in self._created:
            try:
                self._objects.delete(stored.name, generation=stored.generation)
            except Exception as error:  # noqa: BLE001 (nothing depends on it)
                kind = type(error).__name__
                log.warning("left files of %s for the sweep: %s", self._path, kind)
                return

    def each(self, stage: str, work: Callable[[T], U], items: Iterable[T]) -> list[U]:
        """Results in order. Returns or raises only when none runs any more: what `discard` deletes
        must not be uploaded afterwards. Except on shutdown: a hanging upload must not keep the
        lease, and what still arrives is left for the sweep."""
        started = time.monotonic()
        futures = [self._threads.submit(work, item) for item in items]
        running: set[Future[Any]] = set(futures)
        control = self._control
        while running and control.reason is not StopReason.SHUTDOWN:
            watched = running if control.stopping.done() else {*running, control.stopping}
            done, _ = wait(watched, return_when=FIRST_COMPLETED)
            running -= done
        if running:
            control.check()
        results = [future.result() for future in futures]
        self.timings[stage] = round(time.monotonic() - started, 3)
        return results

    def _upload(self, upload: tuple[str, EncodedFile]) -> StoredObject:
        # Those that wait for a thread are not begun after a stop.
        self._control.check()
        name, file = upload
        full_name = self._path.object_name(self._token, name)
        stored = self._objects.create(full_name, file.data, content_type=file.content_type)
        self._created.append(stored)
        crash_point(CrashPoint.UPLOADED)
        return stored
