"""A `NoticeStore` and a `PushService` in memory, under the same contract suites as the others."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from shared.in_memory import InMemoryDocuments
from shared.notice import AGAIN_AFTER
from shared.notifying import Device, Notification, StaleToken
from shared.paths import DEVICES_PATTERN, NOTICES
from shared.ports import Unavailable


class InMemoryNotices:
    def __init__(self, documents: InMemoryDocuments) -> None:
        self._documents = documents

    def devices(self, uid: str, *, limit: int) -> Sequence[Device]:
        below = self._documents.below(DEVICES_PATTERN.format(uid=uid))
        moments = {path: it.data.get("updated_at") for path, it in below.items()}
        found = sorted(((it, path) for path, it in moments.items() if it), reverse=True)
        return [
            Device(path=path, token=token, version=below[path].version)
            for _, path in found[:limit]
            if isinstance(token := below[path].data.get("token"), str) and token
        ]

    def overdue(self, *, before: datetime, limit: int) -> Sequence[str]:
        found = sorted(
            (moment, path)
            for path, it in self._documents.below(NOTICES, anywhere=True).items()
            if isinstance(moment := it.data.get(AGAIN_AFTER), datetime) and moment <= before
        )
        return [path for _, path in found[:limit]]

    def remove(self, path: str, *, expected: Any) -> bool:
        return self._documents.remove(path, expected=expected)


class InMemoryPush:
    """Devices by their tokens, each with what it was sent. Thread-safe."""

    def __init__(self, *tokens: str) -> None:
        self.shown: dict[str, list[Notification]] = {token: [] for token in tokens}
        #: Called with the token before anything is done; what it raises is raised.
        self.before: Callable[[str], object] = lambda _: None
        self._lock = threading.Lock()

    def send(self, token: str, notification: Notification, *, within: float) -> None:
        if within <= 0:
            raise Unavailable("no time is left")
        self.before(token)
        with self._lock:
            if token not in self.shown:
                raise StaleToken("no device has it")
            self.shown[token].append(notification)
