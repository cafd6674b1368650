"""Any order of submit, accept, deliver, claim, renew, expire, crash, cancel, end and sweep.

The same steps run in every world that `worlds` makes, and must come to the same. Promises are
checked in each after every step.
"""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from shared.claim import MAX_ATTEMPTS
from shared.lease import LEASE_SECONDS
from shared.status import ALLOWED, Status
from shared.sweeping import QUEUED_SECONDS
from tests.chaos.lifecycle_world import LifecycleWorld
from tests.unit.lifecycle.endings import ENDINGS

#: Until a sweep of a document that nobody works on is due, whatever it waits for.
OVERDUE_SECONDS = LEASE_SECONDS + 2 * QUEUED_SECONDS
#: Attempts that lapse, and sweeps that find nothing due yet.
HOMECOMING_ROUNDS = 4 * MAX_ATTEMPTS


class LifecycleMachine(RuleBasedStateMachine):
    """Workers may die, or stop answering and come back; messages and events may be lost."""

    @abstractmethod
    def make_worlds(self) -> Sequence[LifecycleWorld]:
        """Fresh ones, the first of which is the model."""

    @initialize()
    def submitted(self) -> None:
        self.worlds = self.make_worlds()
        for world in self.worlds:
            world.submit()

    def together(self, step: Callable[[LifecycleWorld], str]) -> None:
        """The step in every world; what comes of it must not depend on the store."""
        outcomes = [step(world) for world in self.worlds]
        assert outcomes == outcomes[:1] * len(outcomes)
        seen = [world.visible() for world in self.worlds]
        assert seen == seen[:1] * len(seen)

    @property
    def model(self) -> LifecycleWorld:
        return self.worlds[0]

    def _held(self) -> bool:
        return bool(self.model.holders)

    def _not_cancelled(self) -> bool:
        return not self.model.now.get("cancel_requested")

    @rule()
    def accept(self) -> None:
        self.together(LifecycleWorld.accept)

    @rule(worker=integers(0, 3), acknowledged=booleans())
    def deliver(self, worker: int, *, acknowledged: bool) -> None:
        self.together(lambda world: world.deliver(worker, acknowledged=acknowledged))

    @rule(which=integers(0, 9))
    def lose_message(self, which: int) -> None:
        self.together(lambda world: world.lose_message(which))

    @rule(seconds=sampled_from([0.5, 8.0, 23.0, 25.0, 31.0, 46.0, 121.0]))
    def pass_time(self, seconds: float) -> None:
        self.together(lambda world: world.pass_time(seconds))

    @precondition(_not_cancelled)
    @rule()
    def cancel(self) -> None:
        self.together(LifecycleWorld.cancel)

    @precondition(_held)
    @rule(which=integers(0, 9), renews=booleans())
    def renew(self, which: int, *, renews: bool) -> None:
        self.together(lambda world: world.renew(which, renews=renews))

    @precondition(_held)
    @rule(which=integers(0, 9), ending=sampled_from(ENDINGS), acknowledged=booleans())
    def end(self, which: int, ending: str, *, acknowledged: bool) -> None:
        self.together(lambda world: world.end(which, ending, acknowledged=acknowledged))

    @precondition(_held)
    @rule(which=integers(0, 9))
    def crash(self, which: int) -> None:
        self.together(lambda world: world.crash(which))

    @rule()
    def sweep(self) -> None:
        self.together(LifecycleWorld.sweep)

    @invariant()
    def every_status_change_is_in_the_table(self) -> None:
        for world in self.worlds:
            statuses = [Status(data["status"]) for data in world.history]
            for old, new in itertools.pairwise(statuses):
                assert old is new or _leads_to(old, new)

    @invariant()
    def there_is_one_end_and_nothing_after_it(self) -> None:
        for world in self.worlds:
            ended = [it for it in world.history if Status(it["status"]).terminal]
            assert all(_end(it) == _end(ended[0]) for it in ended)
            if ended:
                assert Status(world.now["status"]).terminal

    @invariant()
    def tokens_only_grow_and_each_is_one_worker_s(self) -> None:
        for world in self.worlds:
            leases = [it["lease"] for it in world.history if "lease" in it]
            for old, new in itertools.pairwise(leases):
                assert new["token"] >= old["token"]
                if new["token"] == old["token"]:
                    assert new["worker_id"] in (old["worker_id"], None)

    @invariant()
    def at_most_one_holder_trusts_its_lease(self) -> None:
        for world in self.worlds:
            assert sum(holder.trusted() for holder in world.holders) <= 1

    @invariant()
    def usage_is_what_the_generation_costs(self) -> None:
        for world in self.worlds:
            assert world.drift() == []

    @invariant()
    def it_is_not_tried_more_often_than_allowed(self) -> None:
        for world in self.worlds:
            assert world.now.get("attempt", 0) <= MAX_ATTEMPTS

    @invariant()
    def the_output_is_of_the_token_that_ended_it(self) -> None:
        for world in self.worlds:
            if "output" in world.now:
                assert world.now["output"]["token"] == world.now["lease"]["token"]

    def teardown(self) -> None:
        """Whatever happened, the sweep and one worker bring it home, even if all else was lost."""
        if not hasattr(self, "worlds"):
            return
        for _ in range(HOMECOMING_ROUNDS):
            if Status(self.model.now["status"]).terminal:
                break
            self.together(lambda world: world.pass_time(OVERDUE_SECONDS))
            self.together(LifecycleWorld.sweep)
            self.together(lambda world: world.deliver(0, acknowledged=False))
        assert Status(self.model.now["status"]).terminal, self.model.visible()
        self.there_is_one_end_and_nothing_after_it()
        self.usage_is_what_the_generation_costs()


def _leads_to(old: Status, new: Status) -> bool:
    """A step may write twice, and what lies between is not looked at."""
    return new in ALLOWED[old] or any(new in ALLOWED[between] for between in ALLOWED[old])


def _end(data: Any) -> tuple[Any, ...]:
    return data["status"], data.get("output"), data.get("lease"), data.get("completed_at")
