"""Files in memory, as `shared/in_memory.py` has documents. Thread-safe."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.clock import Clock, SystemClock
from shared.ports import (
    AlreadyExists,
    ListedObject,
    Missing,
    ObjectPage,
    StoredObject,
    TooLarge,
)


class InMemoryObjects:
    """An `ObjectStore` and an `ObjectListing`."""

    def __init__(
        self, clock: Clock | None = None, *, url_of: Callable[[bytes, str], str] | None = None
    ) -> None:
        """`url_of` makes an object's URL of its bytes and content type; without it, URLs are names
        with a token."""
        self._clock = clock or SystemClock()
        self._url_of = url_of
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, StoredObject]] = {}
        self._created: dict[str, datetime] = {}
        self._next_generation = 1

    def create(self, name: str, data: bytes, *, content_type: str) -> StoredObject:
        with self._lock:
            found = self._objects.get(name)
            if found is not None:
                if found[0] != data:
                    raise AlreadyExists(name)
                return found[1]
            tokened = f"memory:{name}?token={len(self._objects)}"
            stored = StoredObject(
                name=name,
                url=self._url_of(data, content_type) if self._url_of else tokened,
                content_type=content_type,
                size_bytes=len(data),
                generation=self._next_generation,
            )
            self._next_generation += 1
            self._objects[name] = (data, stored)
            self._created[name] = self._clock.now()
            return stored

    def read(self, name: str, *, max_bytes: int | None = None) -> bytes:
        with self._lock:
            if name not in self._objects:
                raise Missing(name)
            data = self._objects[name][0]
        if max_bytes is not None and len(data) > max_bytes:
            raise TooLarge(name)
        return data

    def delete(self, name: str, *, generation: Any = None) -> None:
        with self._lock:
            found = self._objects.get(name)
            if found is not None and generation in (None, found[1].generation):
                del self._objects[name]

    def page(self, prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        with self._lock:
            names = sorted(name for name in self._objects if name.startswith(prefix))
            behind = [name for name in names if page is None or name > page]
            objects = [
                ListedObject(
                    name=name,
                    created_at=self._created[name],
                    generation=self._objects[name][1].generation,
                )
                for name in behind[:limit]
            ]
        return ObjectPage(
            objects=objects, next_page=objects[-1].name if len(behind) > limit else None
        )
