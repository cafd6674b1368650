"""One generation's functions, workers and sweep as steps in any order, of which any may be lost."""

from collections import deque
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import integers, sampled_from

from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.take import NotNow, Taken, take
from shared.claim import MAX_ATTEMPTS
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC
from shared.ports import Snapshot
from shared.status import ALLOWED, Status
from shared.sweeping import MAX_QUEUED_SECONDS
from tests.unit.lifecycle.endings import ENDINGS, changes_of
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import INPUT, START, ManualClock
from trigger.enqueue import enqueue
from trigger.sweep import sweep

CREATED: dict[str, Any] = {"input": INPUT, "status": "pending", "created_at": START}
#: Runs a minute until everything must have come home: each try may wait for its message.
ROUNDS = (MAX_ATTEMPTS + 1) * int(MAX_QUEUED_SECONDS / 60 + 4)


class Lossy(InMemoryPublisher):
    """Hands each message on once, unless it is lost."""

    def __init__(self) -> None:
        super().__init__((IMAGE_TOPIC, VIDEO_TOPIC))
        self.waiting: deque[bytes] = deque()

    def publish(self, topic: str, data: bytes) -> None:
        super().publish(topic, data)
        self.waiting.append(data)


class AnyLoss(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.documents = InMemoryDocuments(self.clock)
        self.publisher = Lossy()
        self.holders: list[LeasedDocument] = []
        self.statuses: list[Status] = []
        self.tokens: list[int] = []
        self.documents.create(str(PATH), CREATED)
        self.documents.watch(str(PATH), self._remember)

    def _remember(self, snapshot: Snapshot | None) -> None:
        assert snapshot is not None
        self.statuses.append(Status(snapshot.data["status"]))
        self.tokens.append(snapshot.data.get("lease", {"token": 0})["token"])

    @property
    def over(self) -> bool:
        return self.statuses[-1].terminal

    def try_to_take(self, worker_id: str) -> Taken:
        """A worker that gets it is one of the holders."""
        taken = take(
            self.documents,
            self.clock,
            PATH,
            worker_id=worker_id,
            on_cancel_requested=lambda: None,
        )
        if isinstance(taken, LeasedDocument):
            self.holders.append(taken)
        return taken

    @rule()
    def the_event_comes(self) -> None:
        enqueue(str(PATH), CREATED, documents=self.documents, publisher=self.publisher)

    @precondition(lambda self: self.publisher.waiting)
    @rule()
    def a_message_comes(self) -> None:
        message = self.publisher.waiting.popleft()
        if isinstance(self.try_to_take(f"worker-{len(self.tokens)}"), NotNow):
            self.publisher.waiting.append(message)

    @precondition(lambda self: self.publisher.waiting)
    @rule()
    def all_messages_are_lost(self) -> None:
        self.publisher.waiting.clear()

    @rule(seconds=sampled_from([1, 10, 31, 60, 120, 1800]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def the_sweep_runs(self) -> None:
        swept = sweep(
            documents=self.documents,
            search=self.documents,
            publisher=self.publisher,
            clock=self.clock,
        )
        assert swept.faults == []

    @precondition(lambda self: self.holders)
    @rule(which=integers(0, 99), ending=sampled_from(ENDINGS))
    def a_worker_ends_its_attempt(self, which: int, ending: str) -> None:
        holder = self.holders.pop(which % len(self.holders))
        try:
            holder.end(lambda _: changes_of(ending, holder))
        except LeaseLost:
            return
        if ending in ("retried", "given back"):
            self.publisher.waiting.append(b"the same message, delivered again")

    @precondition(lambda self: self.holders)
    @rule(which=integers(0, 99))
    def a_worker_renews(self, which: int) -> None:
        holder = self.holders[which % len(self.holders)]
        try:
            holder.renew()
        except LeaseLost:
            self.holders.remove(holder)

    @precondition(lambda self: not self.over)
    @rule()
    def its_owner_cancels(self) -> None:
        snapshot = self.documents.read(str(PATH))
        assert snapshot is not None
        self.documents.update(str(PATH), {"cancel_requested": True}, expected=snapshot.version)

    @invariant()
    def every_status_change_is_in_the_table(self) -> None:
        for old, new in zip(self.statuses, self.statuses[1:], strict=False):
            assert old is new or new in ALLOWED[old]

    @invariant()
    def tokens_never_go_back(self) -> None:
        assert self.tokens == sorted(self.tokens)

    @invariant()
    def at_most_one_worker_trusts_its_lease(self) -> None:
        assert sum(holder.trusted() for holder in self.holders) <= 1

    def teardown(self) -> None:
        """All workers die, all messages are lost; then each message reaches one that works."""
        self.holders.clear()
        self.publisher.waiting.clear()
        for _ in range(ROUNDS):
            if self.over:
                return
            self.clock.advance(60)
            self.the_sweep_runs()
            self.every_message_comes()
            while self.holders:
                self.a_worker_ends_its_attempt(0, "completed")
        assert self.over, self.statuses

    def every_message_comes(self) -> None:
        while self.publisher.waiting:
            self.a_message_comes()
