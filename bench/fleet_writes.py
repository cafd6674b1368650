"""What one generation costs Firestore, Pub/Sub and Storage: counted while our own code makes one.

The function's `enqueue` and a worker's `GenerationRunner` run on ports in memory that count. The
engine is the scripted one: progress depends on its seconds, so all but the first progress is added
by the keeper's rules (progress after `MIN_WRITE_INTERVAL_SECONDS`, the lease's end with the last
progress before a heartbeat is due) and by how often the engine reports.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gpu_worker.lifecycle.keeper import MIN_WRITE_INTERVAL_SECONDS
from shared.in_memory import InMemoryPublisher
from shared.lease import HEARTBEAT_SECONDS
from shared.paths import ACCOUNTS, GENERATIONS, IMAGE_TOPIC, VIDEO_TOPIC
from shared.ports import SERVER_TIME, Beside, Changes, Snapshot, Subscription, Written
from shared.usage import Limits
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS, Documents
from tests.unit.lifecycle.world import World, held, step_of
from trigger.enqueue import Outcome, enqueue

#: Between two renewals of a job that has progress to write.
RENEWAL_SECONDS = HEARTBEAT_SECONDS - MIN_WRITE_INTERVAL_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one generation that goes well, from its creation to its end."""

    #: Of the generation document: the client's creation, acceptance, claim, first progress, end.
    generation_writes: int
    #: Of those, how many put, move or take away its lease's end.
    lease_writes: int
    #: Of its owner's usage document.
    usage_writes: int
    #: By functions and workers; the phone's listener reads every write of the generation.
    reads: int
    messages: int
    message_bytes: int
    objects: int

    def with_progress(self, seconds: float, reports: int) -> "Cost":
        """The same, but its engine took `seconds` and told of `reports` steps."""
        more = min(int(seconds / MIN_WRITE_INTERVAL_SECONDS), reports - 1)
        return Cost(
            generation_writes=self.generation_writes + more,
            lease_writes=self.lease_writes + int(seconds / RENEWAL_SECONDS),
            usage_writes=self.usage_writes,
            reads=self.reads,
            messages=self.messages,
            message_bytes=self.message_bytes,
            objects=self.objects,
        )


class _Counting:
    """A store and a watcher that hand on to `inner` and count."""

    def __init__(self, inner: Documents) -> None:
        self._inner = inner
        self.writes: Counter[str] = Counter()
        self.reads = 0
        self._lease_end: Any = None

    def read(self, path: str) -> Snapshot | None:
        self.reads += 1
        return self._inner.read(path)

    def create(self, path: str, data: Changes) -> Written:
        self._count(path, data)
        return self._inner.create(path, data)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        written = self._inner.update(path, changes, expected=expected, beside=beside)
        self._count(path, changes)
        for other in beside:
            self._count(other.path, {})
        return written

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> Subscription:
        return self._inner.watch(path, on_change)

    def _count(self, path: str, changes: Changes) -> None:
        self.writes[path.split("/")[-2]] += 1
        lease_end = changes.get("lease", {}).get("expires_at", self._lease_end)
        if lease_end != self._lease_end:
            self.writes["lease"] += 1
        self._lease_end = lease_end


def count(request: dict[str, Any]) -> Cost:
    """`request` is the document's `input`."""
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as files:
        world = World(pool, files)
        try:
            return _count(world, request)
        finally:
            world.close()


def _count(world: World, request: dict[str, Any]) -> Cost:
    documents = _Counting(world.documents)
    publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
    created = {"input": request, "status": "pending", "created_at": SERVER_TIME}
    documents.create(str(PATH), created)
    outcome = enqueue(str(PATH), created, documents=documents, publisher=publisher, limits=Limits())
    if outcome is not Outcome.ACCEPTED:
        raise ValueError(f"{request} was not accepted but {outcome}")
    worker = world.worker(held, documents=documents, watcher=documents)
    running = worker.start()
    worker.wait_held()
    world.documents.wait_for_writes(lambda changes: step_of(changes) is not None)
    worker.release()
    running.result(TIMEOUT_SECONDS)
    messages = [data for sent in publisher.published.values() for data in sent]
    return Cost(
        generation_writes=documents.writes[GENERATIONS],
        lease_writes=documents.writes["lease"],
        usage_writes=documents.writes[ACCOUNTS],
        reads=documents.reads,
        messages=len(messages),
        message_bytes=sum(map(len, messages)),
        objects=len(world.objects.names),
    )
