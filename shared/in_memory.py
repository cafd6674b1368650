"""Documents and messages in memory, under the same contract suites as the others: what unit tests
and state machines run on, and what a request that wants no cloud storage is made in, with stores of
its own (its files: `shared/in_memory_objects.py`).

Thread-safe. Versions are numbers; the server's time is the given clock's.
"""

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clock import Clock, SystemClock
from shared.paths import ACCOUNTS, GENERATIONS
from shared.ports import (
    DELETE,
    SERVER_TIME,
    Adjustment,
    AlreadyExists,
    Beside,
    Changes,
    Conflict,
    Creation,
    FieldPath,
    Found,
    Missing,
    Overdue,
    Rejected,
    Snapshot,
    Written,
)
from shared.status import Status
from shared.stored_size import MAX_DOCUMENT_BYTES, document_bytes

_Moment = Callable[[Mapping[str, Any]], object]
_MOMENTS: Mapping[Overdue, _Moment] = {
    Overdue.CANCELLED: lambda data: data.get("created_at"),
    Overdue.PENDING: lambda data: data.get("created_at"),
    Overdue.LAPSED: lambda data: (data.get("lease") or {}).get("expires_at"),
    Overdue.QUEUED: lambda data: data.get("sweep_after"),
}
_STATUSES: Mapping[Overdue, tuple[Status, ...]] = {
    Overdue.CANCELLED: (Status.PENDING, Status.QUEUED),
    Overdue.PENDING: (Status.PENDING,),
    Overdue.LAPSED: (Status.PROCESSING,),
    Overdue.QUEUED: (Status.QUEUED,),
}


class InMemoryDocuments:
    """A `DocumentStore`, a `DocumentWatcher`, a `GenerationSearch` and a `UsageSearch`."""

    def __init__(
        self, clock: Clock | None = None, *, max_bytes: int | None = MAX_DOCUMENT_BYTES
    ) -> None:
        """`max_bytes` bounds each document, as Firestore does; None: nothing does."""
        self._clock = clock or SystemClock()
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._documents: dict[str, tuple[int, dict[str, Any]]] = {}
        self._watches: dict[str, list[InMemoryWatch]] = defaultdict(list)
        self._next_version = 1

    def read(self, path: str) -> Snapshot | None:
        with self._lock:
            found = self._documents.get(path)
            if found is None:
                return None
            version, data = found
            return Snapshot(data=copy.deepcopy(data), version=version, read_time=self._clock.now())

    def create(self, path: str, data: Changes) -> Written:
        with self._lock:
            if path in self._documents:
                raise AlreadyExists(path)
            now = self._clock.now()
            return self._commit({path: self._changed(path, {}, data, now)}, now)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        with self._lock:
            # Nothing is stored before everything is found to be right.
            now = self._clock.now()
            new = {path: self._changed(path, self._expected(path, expected), changes, now)}
            for other in beside:
                new[other.path] = self._beside(other, now)
            return self._commit(new, now)

    def _expected(self, path: str, version: Any) -> Mapping[str, Any]:
        found = self._documents.get(path)
        if found is None:
            raise Missing(path)
        if found[0] != version:
            raise Conflict(f"{path} has version {found[0]}, expected {version}")
        return found[1]

    def _beside(self, it: Beside, now: datetime) -> dict[str, Any]:
        if isinstance(it, Creation):
            if it.path in self._documents:
                raise AlreadyExists(it.path)
            return self._changed(it.path, {}, it.data, now)
        if isinstance(it, Adjustment):
            old = self._documents.get(it.path, (0, {}))[1]
            return self._changed(it.path, old, _adjusted(old, it), now)
        return self._changed(it.path, self._expected(it.path, it.expected), it.changes, now)

    def delete(self, path: str) -> None:
        """What an admin or the owner does; not part of the port."""
        with self._lock:
            self._documents.pop(path, None)
            self._announce(path)

    def remove(self, path: str, *, expected: Any) -> bool:
        """`delete` of that version only; whether it was. Not part of the port."""
        with self._lock:
            is_it = path in self._documents and self._documents[path][0] == expected
            if is_it:
                self.delete(path)
            return is_it

    def below(self, collection: str, *, anywhere: bool = False) -> Mapping[str, Snapshot]:
        """The documents of the collection, or of all whose last name is that; for searches."""
        with self._lock:
            snapshots = {
                path: self.read(path)
                for path in self._documents
                if (parent := path.rpartition("/")[0]) == collection
                or (anywhere and parent.rpartition("/")[2] == collection)
            }
        return {path: one for path, one in snapshots.items() if one is not None}

    def overdue(
        self, what: Overdue, *, before: datetime, limit: int, after: Found | None = None
    ) -> Sequence[Found]:
        with self._lock:
            matching = sorted(
                (moment, path)
                for path, (_, data) in self._documents.items()
                if path.split("/")[-2:-1] == [GENERATIONS]
                and data.get("status") in _STATUSES[what]
                and (what is not Overdue.CANCELLED or data.get("cancel_requested") is True)
                and isinstance(moment := _MOMENTS[what](data), datetime)
                and moment <= before
            )
        behind = [one for one in matching if after is None or one > after.cursor]
        return [Found(path=path, cursor=(moment, path)) for moment, path in behind[:limit]]

    def unreconciled(self, *, before: datetime, limit: int) -> Sequence[str]:
        with self._lock:
            due = sorted(
                (moment, path)
                for path, (_, data) in self._documents.items()
                if path.split("/")[-2:-1] == [ACCOUNTS]
                and isinstance(moment := data.get("reconcile_after"), datetime)
                and moment <= before
            )
        return [path for _, path in due[:limit]]

    def states(
        self, paths: Iterable[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        with self._lock:
            there = {path: self._documents[path][1] for path in paths if path in self._documents}
            return {
                path: {name: copy.deepcopy(data[name]) for name in fields if name in data}
                for path, data in there.items()
            }

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> "InMemoryWatch":
        with self._lock:
            watch = InMemoryWatch(on_change, self._watches[path].remove)
            self._watches[path].append(watch)
            on_change(self.read(path))
            return watch

    def _commit(self, documents: Mapping[str, dict[str, Any]], now: datetime) -> Written:
        version = self._next_version
        self._next_version += 1
        for path, new in documents.items():
            self._documents[path] = (version, new)
        for path in documents:
            self._announce(path)
        return Written(version=version, commit_time=now)

    def _changed(
        self, path: str, old: Mapping[str, Any], changes: Changes, now: datetime
    ) -> dict[str, Any]:
        """`old` after `changes`. Raises `Rejected` if it does not fit into a document."""
        new = dict(old)
        for field, value in changes.items():
            if value is DELETE:
                new.pop(field, None)
            else:
                new[field] = now if value is SERVER_TIME else copy.deepcopy(value)
        if self._max_bytes is not None and (size := document_bytes(path, new)) > self._max_bytes:
            raise Rejected(f"{path} would take {size} bytes, the most is {self._max_bytes}")
        return new

    def _announce(self, path: str) -> None:
        for watch in list(self._watches[path]):
            watch.on_change(self.read(path))


def _adjusted(old: Mapping[str, Any], adjustment: Adjustment) -> Changes:
    """The top-level fields that `adjustment` changes, whole, or DELETE."""
    touched = {path[0] for path in (*adjustment.add, *adjustment.remove)}
    new = copy.deepcopy({name: old[name] for name in touched & set(old)})
    for path, amount in adjustment.add.items():
        place = _place(new, path)
        place[path[-1]] = place.get(path[-1], 0) + amount
    for path in adjustment.remove:
        _place(new, path).pop(path[-1], None)
    return {**{name: new.get(name, DELETE) for name in touched}, **adjustment.put}


def _place(new: dict[str, Any], path: FieldPath) -> dict[str, Any]:
    """The map that holds the last of the names, with all maps on the way there."""
    for name in path[:-1]:
        new = new.setdefault(name, {})
    return new


class InMemoryWatch:
    """The `Subscription` of `InMemoryDocuments.watch`."""

    def __init__(
        self,
        on_change: Callable[[Snapshot | None], None],
        forget: "Callable[[InMemoryWatch], None]",
    ) -> None:
        self.on_change = on_change
        self._forget: Callable[[InMemoryWatch], None] | None = forget

    def close(self) -> None:
        forget, self._forget = self._forget, None
        if forget is not None:
            forget(self)


class InMemoryPublisher:
    """A `MessagePublisher` that keeps what was published, in order, by topic."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self.published: dict[str, list[bytes]] = {topic: [] for topic in topics}

    def publish(self, topic: str, data: bytes) -> None:
        if topic not in self.published:
            raise Missing(f"there is no topic {topic}")
        self.published[topic].append(data)
