"""A person with devices and generations that have ended, and a deployment in memory that tells."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.document import Generation
from shared.errors import ErrorCode, GenerationError
from shared.in_memory import InMemoryDocuments
from shared.in_memory_notices import InMemoryNotices, InMemoryPush
from shared.paths import GenerationPath
from shared.status import Status
from tests.unit.lifecycle.world import START, ManualClock
from trigger.notification_settings import Wording
from trigger.notify import Notified, Notifier
from trigger.overdue_notices import Telling, tell_overdue

SECRET = "a red circle that nobody may see"
URL = "https://storage.example/thumbnail.webp?token=secret"
PLAIN = Wording(by_key=False, images=False)
PATH = GenerationPath(uid="ann", generation_id="g1")
#: What a worker holds.
HELD: Mapping[str, Any] = {
    "input": {"prompt": SECRET},
    "status": "processing",
    "kind": "image",
    "notify": True,
    "lease": {"token": 3, "worker_id": "w", "expires_at": None},
}


class Killed(BaseException):
    """The process ends here; nothing handles it."""


def failing(error: BaseException, *tokens: str) -> Callable[[str], None]:
    """For `InMemoryPush.before`: the service fails for these tokens."""

    def fail(token: str) -> None:
        if token in tokens:
            raise error

    return fail


class Phones:
    """A `Notifier` over memory, with a clock that stands still."""

    def __init__(self, *tokens: str, documents: InMemoryDocuments | None = None) -> None:
        self.clock = ManualClock()
        self.documents = documents or InMemoryDocuments(self.clock)
        self.notices = InMemoryNotices(self.documents)
        self.push = InMemoryPush(*tokens)
        self.notifier = Notifier(
            documents=self.documents,
            search=self.documents,
            notices=self.notices,
            push=self.push,
            clock=self.clock,
            wording=PLAIN,
        )
        for token in tokens:
            self.note(token)

    def note(self, name: str, token: str | None = None, uid: str = "ann", age: float = 0) -> str:
        """An app says that its device is told by `token`; nobody else need know that token."""
        path = f"users/{uid}/devices/{name}"
        at = START.fromtimestamp(START.timestamp() - age, START.tzinfo)
        fields = {"token": token or name, "platform": "android", "updated_at": at}
        self.documents.create(path, fields)
        return path

    def end(
        self, status: Status = Status.COMPLETED, path: GenerationPath = PATH, **fields: Any
    ) -> None:
        """A generation as whoever ends it writes its end, notice and all."""
        written = self.documents.create(str(path), {**HELD, **fields})
        generation = Generation.from_document(path, {**HELD, **fields})
        output = {"files": [{"thumbnail_url": URL}]}
        changes = {
            Status.COMPLETED: generation.to_completed(output, {}, {}),
            Status.CANCELLED: generation.to_cancelled(),
            Status.FAILED: generation.to_failed(GenerationError(ErrorCode.INTERNAL, SECRET)),
        }[status]
        self.documents.update(
            str(path), changes, expected=written.version, beside=generation.beside(changes)
        )

    def notify(self, path: GenerationPath = PATH) -> Notified:
        """The event of its notice."""
        return self.notifier.notify(path)

    def sweep(self) -> Telling:
        return tell_overdue(self.notifier, self.notices, self.clock)

    def told(self) -> dict[str, list[str]]:
        """Token → the tags that its device was shown."""
        return {token: [it.tag for it in shown] for token, shown in self.push.shown.items()}

    @property
    def notice(self) -> Mapping[str, Any] | None:
        found = self.documents.read(PATH.notice)
        return found.data if found else None

    def devices(self) -> list[str]:
        return [it.name for it in self.notices.devices("ann", limit=100)]
