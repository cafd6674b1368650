"""Any order of claims, crashes, lapses, cancellations and endings keeps the contract's promises."""

import itertools
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.take import take
from shared.claim import MAX_ATTEMPTS
from shared.in_memory import InMemoryDocuments
from shared.lease import first_token
from shared.ports import Snapshot
from shared.status import ALLOWED, Status
from tests.unit.lifecycle.endings import ENDINGS, changes_of
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import INPUT, START, ManualClock


class OneGeneration(RuleBasedStateMachine):
    """Workers may stop answering at any time and come back at any later time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.documents = InMemoryDocuments(self.clock)
        self.holders: list[LeasedDocument] = []
        self.history: list[dict[str, Any]] = []
        self.counted = 0
        self.documents.create(str(PATH), {"input": INPUT, "status": "queued", "created_at": START})
        self.documents.watch(str(PATH), self._remember)

    def _remember(self, snapshot: Snapshot | None) -> None:
        assert snapshot is not None
        self.history.append(dict(snapshot.data))

    @property
    def now(self) -> dict[str, Any]:
        return self.history[-1]

    @rule(worker=integers(0, 3))
    def deliver(self, worker: int) -> None:
        before = self.now
        taken = take(
            self.documents,
            self.clock,
            PATH,
            worker_id=f"worker-{worker}",
            on_cancel_requested=lambda: None,
        )
        if isinstance(taken, LeasedDocument):
            last = before["lease"]["token"] if "lease" in before else None
            assert taken.lease.token == (last + 1 if last else first_token(self.clock.now()))
            self.holders.append(taken)

    @rule(seconds=sampled_from([0.5, 8, 23, 25, 31]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: not self.now.get("cancel_requested"))
    @rule()
    def client_cancels(self) -> None:
        snapshot = self.documents.read(str(PATH))
        assert snapshot is not None
        self.documents.update(str(PATH), {"cancel_requested": True}, expected=snapshot.version)

    @precondition(lambda self: self.holders)
    @rule(which=integers(0, 99), renews=booleans())
    def heartbeat(self, which: int, *, renews: bool) -> None:
        holder = self.holders[which % len(self.holders)]
        before = self.now
        try:
            (holder.renew if renews else holder.tell)(progress={"fraction": 0.5})
        except LeaseLost:
            assert self.now == before
            assert not holder.trusted()

    @precondition(lambda self: self.holders)
    @rule(which=integers(0, 99), ending=sampled_from(ENDINGS))
    def ends(self, which: int, ending: str) -> None:
        holder = self.holders.pop(which % len(self.holders))
        before = self.now
        try:
            holder.end(lambda _: changes_of(ending, holder))
        except LeaseLost:
            assert self.now == before
        else:
            assert before["lease"]["token"] == holder.lease.token

    @invariant()
    def every_status_change_is_in_the_table(self) -> None:
        statuses = [Status(data["status"]) for data in self.history]
        for old, new in itertools.pairwise(statuses):
            assert old is new or new in ALLOWED[old]

    @invariant()
    def there_is_at_most_one_terminal_status(self) -> None:
        ended = [i for i, data in enumerate(self.history) if Status(data["status"]).terminal]
        if ended:
            first = self.history[ended[0]]
            assert ended == list(range(ended[0], len(self.history)))
            assert all(data["status"] == first["status"] for data in self.history[ended[0] :])
            assert all(
                data.get("output") == first.get("output") for data in self.history[ended[0] :]
            )

    @invariant()
    def each_claim_has_the_next_token(self) -> None:
        tokens = [data["lease"]["token"] for data in self.history if "lease" in data]
        assert tokens == sorted(tokens)
        # Token 0 stands in a document that ended before anybody claimed it.
        claims = set(tokens) - {0}
        if claims:
            assert claims == set(range(min(claims), min(claims) + len(claims)))

    @invariant()
    def at_most_one_holder_trusts_its_lease(self) -> None:
        assert sum(holder.trusted() for holder in self.holders) <= 1

    @invariant()
    def no_generation_is_tried_more_often_than_allowed(self) -> None:
        assert self.now.get("attempt", 0) <= MAX_ATTEMPTS

    @invariant()
    def the_output_is_of_the_token_that_ended_it(self) -> None:
        if "output" in self.now:
            assert self.now["status"] == "completed"
            assert self.now["output"]["token"] == self.now["lease"]["token"]

    def teardown(self) -> None:
        """Whatever happened, messages and time bring every generation to an end."""
        self.holders.clear()
        for _ in range(MAX_ATTEMPTS + 1):
            self.clock.advance(31)
            self.deliver(0)
        assert Status(self.now["status"]).terminal
        self.there_is_at_most_one_terminal_status()


TestOneGeneration = OneGeneration.TestCase
TestOneGeneration.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
