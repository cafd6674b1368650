"""One generation, its messages and the workers that hold or held it, as steps that can be replayed.

Every step says what came of it in words that do not depend on the store, so that the same steps on
another store must say the same. Time is the world's own: workers, function and sweep are told it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.take import Nothing, take
from shared.in_memory import InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.ports import (
    SERVER_TIME,
    Adjustment,
    Beside,
    Changes,
    Conflict,
    Creation,
    DocumentStore,
    Snapshot,
    Written,
)
from shared.sweeping import PATIENCE
from shared.usage import Limits
from tests.chaos.ledger import NOTHING, drift
from tests.unit.lifecycle.endings import changes_of
from tests.unit.lifecycle.world import INPUT, ManualClock
from trigger.enqueue import enqueue
from trigger.settling import settle


class Later:
    """A `DocumentStore` whose server lives in the world's time.

    All its moments are the world's, so that what a slow machine takes for a step counts for
    nothing: else a lease of 30 s could be over in one world and not in the other.
    """

    def __init__(self, inner: DocumentStore, clock: ManualClock) -> None:
        self._inner = inner
        self._clock = clock
        self._origin = datetime.now(UTC) - timedelta(seconds=clock.monotonic())

    def _now(self) -> datetime:
        return self._origin + timedelta(seconds=self._clock.monotonic())

    def read(self, path: str) -> Snapshot | None:
        found = self._inner.read(path)
        return found and replace(found, read_time=self._now())

    def create(self, path: str, data: Changes) -> Written:
        return self._told(self._inner.create(path, self._timed(data)))

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        timed = [self._timed_beside(it) for it in beside]
        written = self._inner.update(path, self._timed(changes), expected=expected, beside=timed)
        return self._told(written)

    def _timed_beside(self, it: Beside) -> Beside:
        if isinstance(it, Adjustment):
            return it
        if isinstance(it, Creation):
            return replace(it, data=self._timed(it.data))
        return replace(it, changes=self._timed(it.changes))

    def _told(self, written: Written) -> Written:
        return replace(written, commit_time=self._now())

    def _timed(self, changes: Changes) -> Changes:
        return {name: self._now() if it is SERVER_TIME else it for name, it in changes.items()}


@dataclass
class LifecycleWorld:
    """`documents` must be empty at `path`; `clock` is turned by the steps only."""

    documents: DocumentStore
    path: GenerationPath
    clock: ManualClock
    publisher: InMemoryPublisher = field(
        default_factory=lambda: InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
    )
    holders: list[LeasedDocument] = field(default_factory=list)
    #: Every version that a step left, in order.
    history: list[Mapping[str, Any]] = field(default_factory=list)
    #: Its owner's, as the last step left it.
    usage: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    def submit(self) -> None:
        self.documents.create(
            str(self.path),
            {"input": INPUT, "status": "pending", "created_at": SERVER_TIME},
        )
        self._look()

    @property
    def now(self) -> Mapping[str, Any]:
        return self.history[-1]

    @property
    def messages(self) -> list[bytes]:
        return self.publisher.published[IMAGE_TOPIC]

    def accept(self) -> str:
        """The function hears of the creation, or hears of it again."""
        outcome = enqueue(
            str(self.path),
            {"status": "pending"},
            documents=self.documents,
            publisher=self.publisher,
            limits=Limits(),
        )
        return self._look(outcome)

    def lose_message(self, which: int) -> str:
        messages = self.messages
        if messages:
            messages.pop(which % len(messages))
        return f"{len(messages)} messages"

    def deliver(self, worker: int, *, acknowledged: bool) -> str:
        """A message comes to a worker; unless it is acknowledged it will come again."""
        if not self.messages:
            return "no message"
        taken = take(
            self.documents,
            self.clock,
            self.path,
            worker_id=f"worker-{worker}",
            on_cancel_requested=lambda: None,
        )
        if isinstance(taken, LeasedDocument):
            self.holders.append(taken)
            return self._look("claimed")
        if isinstance(taken, Nothing):
            if acknowledged:
                self.messages.pop()
            return self._look(taken.why)
        return self._look("held by another")

    def pass_time(self, seconds: float) -> str:
        self.clock.advance(seconds)
        return "later"

    def cancel(self) -> str:
        snapshot = self.documents.read(str(self.path))
        assert snapshot is not None
        self.documents.update(str(self.path), {"cancel_requested": True}, expected=snapshot.version)
        return self._look("asked")

    def renew(self, which: int, *, renews: bool) -> str:
        """Progress, and with it a heartbeat or not."""
        holder = self.holders[which % len(self.holders)]
        try:
            (holder.renew if renews else holder.tell)(progress={"fraction": 0.5})
        except LeaseLost:
            return self._look("lost")
        return self._look("renewed")

    def end(self, which: int, ending: str, *, acknowledged: bool) -> str:
        """A holder's last write; `acknowledged` unless it dies right after it."""
        holder = self.holders.pop(which % len(self.holders))
        try:
            holder.end(lambda _: changes_of(ending, holder))
        except LeaseLost:
            return self._look("lost")
        if acknowledged and ending in ("completed", "failed", "cancelled") and self.messages:
            self.messages.pop()
        return self._look(ending)

    def crash(self, which: int) -> str:
        """A holder dies without a word; its message stays."""
        self.holders.pop(which % len(self.holders))
        return f"{len(self.holders)} holders"

    def sweep(self) -> str:
        """One run, of which the search has found the document."""
        data = self.now
        if data["status"] == "pending" and not data.get("cancel_requested"):
            return self.accept()
        try:
            outcome = settle(
                str(self.path),
                documents=self.documents,
                publisher=self.publisher,
                patience=PATIENCE,
            )
        except Conflict:
            return self._look("conflict")
        return self._look(outcome)

    def visible(self) -> dict[str, Any]:
        """What must be equal in every store; moments and tokens are each server's own."""
        data = self.now
        return {
            "status": data["status"],
            "attempt": data.get("attempt"),
            "worker": (data.get("lease") or {}).get("worker_id"),
            "progress": data.get("progress"),
            "error": (data.get("error") or {}).get("code"),
            "completed": "output" in data,
            "messages": len(self.messages),
            "charge": (data.get("charge") or {}).get("state"),
            "spent": sum(self.usage["spent"].values()),
            "reserved": len(self.usage["reserved"]),
        }

    def drift(self) -> list[str]:
        """What of its owner's usage does not fit the generation."""
        usage = {self.path.usage: self.usage}
        return drift(usage, {str(self.path): self.now})

    def _look(self, outcome: str = "") -> str:
        snapshot = self.documents.read(str(self.path))
        assert snapshot is not None, f"{self.path} is gone"
        self.history.append(snapshot.data)
        usage = self.documents.read(self.path.usage)
        self.usage = usage.data if usage else NOTHING
        return str(outcome)
