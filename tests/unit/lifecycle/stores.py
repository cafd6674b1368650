"""Stores in memory that record what is written, wait for it, and fail on request."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from shared.clock import Clock
from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects
from shared.paths import GenerationPath
from shared.ports import Beside, Changes, Snapshot, StoredObject, Subscription, Written
from tests.public_documents import check_public

PATH = GenerationPath(uid="ada", generation_id="g1")
TIMEOUT_SECONDS = 10.0


def nothing(_: Changes) -> None:
    """The hook of a store without faults."""


class Documents:
    """An in-memory store that records each write and calls `before` and `after` around it."""

    def __init__(self, clock: Clock) -> None:
        self.inner = InMemoryDocuments(clock)
        self.before: Callable[[Changes], None] = nothing
        self.after: Callable[[Changes], None] = nothing
        self.before_read: Callable[[], None] = lambda: None
        #: What workers wrote, in order.
        self.writes: list[dict[str, Any]] = []
        #: What apps are not told to expect, in documents that were right before they were written.
        self.faults: list[str] = []
        self._changed = threading.Condition()

    def read(self, path: str) -> Snapshot | None:
        self.before_read()
        return self.inner.read(path)

    def create(self, path: str, data: Changes) -> Written:
        return self.inner.create(path, data)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        self.before(changes)
        was_right = self._fault_of(path) is None
        written = self.inner.update(path, changes, expected=expected, beside=beside)
        with self._changed:
            fault = self._fault_of(path)
            if fault and was_right:
                self.faults.append(fault)
            self.writes.append(dict(changes))
            self._changed.notify_all()
        self.after(changes)
        return written

    def _fault_of(self, path: str) -> str | None:
        snapshot = self.inner.read(path)
        try:
            if snapshot is not None:
                check_public(snapshot.data)
        except (ValidationError, TypeError, ValueError) as fault:
            return str(fault)
        return None

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> Subscription:
        return self.inner.watch(path, on_change)

    def wait_for_writes(
        self, matching: Callable[[Mapping[str, Any]], bool], count: int = 1
    ) -> None:
        """Block until `count` writes match."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: sum(map(matching, self.writes)) >= count, TIMEOUT_SECONDS
            ), f"no {count} such writes in {self.writes}"

    def data(self, path: GenerationPath = PATH) -> Mapping[str, Any]:
        snapshot = self.inner.read(str(path))
        assert snapshot is not None
        return snapshot.data

    def change(self, path: GenerationPath = PATH, **fields: Any) -> None:
        """What the client, the trigger or an admin writes."""
        snapshot = self.inner.read(str(path))
        assert snapshot is not None
        self.inner.update(str(path), fields, expected=snapshot.version)


class DeadWatcher:
    """A watch that never says anything."""

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> "DeadWatcher":
        return self

    def close(self) -> None:
        """There is nothing to close."""


class Objects:
    """An in-memory object store with a hook before each call."""

    def __init__(self) -> None:
        self.inner = InMemoryObjects()
        self.before_create: Callable[[str], None] = lambda _: None
        self.before_delete: Callable[[str], None] = lambda _: None

    @property
    def names(self) -> set[str]:
        return set(self.inner._objects)

    def create(self, name: str, data: bytes, *, content_type: str) -> StoredObject:
        self.before_create(name)
        return self.inner.create(name, data, content_type=content_type)

    def read(self, name: str, *, max_bytes: int | None = None) -> bytes:
        return self.inner.read(name, max_bytes=max_bytes)

    def delete(self, name: str, *, generation: Any = None) -> None:
        self.before_delete(name)
        self.inner.delete(name, generation=generation)


def faulty_write(
    status: str | None, fault: Callable[[], Exception], times: int
) -> Callable[[Changes], None]:
    """Raise in the first `times` writes of `status` (None: of a heartbeat)."""
    left = [times]

    def hook(changes: Changes) -> None:
        if changes.get("status") == status and left[0]:
            left[0] -= 1
            raise fault()

    return hook
