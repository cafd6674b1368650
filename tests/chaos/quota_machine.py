"""One person's generations in any order of asking, accepting, working, ending, deleting and days.

Small limits, so that places and credits are fought for. After every step usage is what the
generations cost, but for those that were deleted in the making and whose deletion nobody heard of
yet; once that has been made good, exactly.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from hypothesis.strategies import booleans, integers, sampled_from

from gpu_worker.lifecycle.leased_document import LeasedDocument, LeaseLost
from gpu_worker.lifecycle.take import take
from shared.errors import ErrorCode, GenerationError
from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, VIDEO_TOPIC, GenerationPath
from shared.status import Status
from shared.usage import RECONCILE_AFTER, Limits
from tests.chaos.ledger import NOTHING, drift, oldest_day
from tests.unit.lifecycle.world import ManualClock
from trigger.enqueue import Outcome, enqueue
from trigger.reconcile import give_back, reconcile_all
from trigger.settling import settle

LIMITS = Limits(concurrent=2, daily_credits=60)
DAY_SECONDS = 24 * 3600.0
FAULT = GenerationError(ErrorCode.INTERNAL, "No.")
#: Requests that cost 3, 10, 20 and, more than a day has, 80 credits.
REQUESTS: list[dict[str, Any]] = [
    {"prompt": "x", "width": 512, "height": 512},
    {"prompt": "x"},
    {"prompt": "x", "num_images": 2},
    {"prompt": "x", "num_images": 2, "width": 2048, "height": 2048},
]
ENDINGS: dict[str, Callable[[LeasedDocument], Any]] = {
    "completed": lambda it: it.generation.to_completed({}, {}, {}),
    "failed": lambda it: it.generation.to_failed(FAULT),
    "cancelled": lambda it: it.generation.to_cancelled(),
    "retried": lambda it: it.generation.to_retry(FAULT),
    "given back": lambda it: it.generation.to_retry(None),
}
PATHS = [GenerationPath(uid="ada", generation_id=f"g{number}") for number in range(4)]
USAGE = PATHS[0].usage


class QuotaMachine(RuleBasedStateMachine):
    """`PATHS` are few, so that ids are used again."""

    holders = Bundle("holders")

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.documents = InMemoryDocuments(self.clock)
        self.publisher = InMemoryPublisher((IMAGE_TOPIC, VIDEO_TOPIC))
        #: As they were deleted, for events that come late, again or never.
        self.deleted: list[tuple[GenerationPath, Any]] = []
        #: Whether usage may hold what is no more.
        self.unheard = False

    def data(self, path: GenerationPath) -> Any:
        found = self.documents.read(str(path))
        return found and found.data

    @rule(path=sampled_from(PATHS), request=sampled_from(REQUESTS), heard=booleans())
    def ask(self, path: GenerationPath, request: Any, *, heard: bool) -> None:
        """For a new one; its event comes at once if it is `heard`."""
        if self.data(path) is None:
            new = {"input": request, "status": "pending", "created_at": self.clock.now()}
            self.documents.create(str(path), new)
            if heard:
                self.accept(path)

    @rule(path=sampled_from(PATHS))
    def accept(self, path: GenerationPath) -> None:
        """Its event comes, or comes again, or belongs to an earlier document of that id."""
        before = self.data(path)
        outcome = enqueue(
            str(path),
            {"status": "pending"},
            documents=self.documents,
            publisher=self.publisher,
            limits=LIMITS,
        )
        if outcome is Outcome.OVER_QUOTA:
            assert self.data(path)["error"]["quota"]["left"] < 80
        if before is not None and before["status"] != "pending":
            assert self.data(path) == before

    def take(self, path: GenerationPath) -> LeasedDocument | None:
        taken = take(
            self.documents, self.clock, path, worker_id="w", on_cancel_requested=lambda: None
        )
        return taken if isinstance(taken, LeasedDocument) else None

    @rule(target=holders, path=sampled_from(PATHS))
    def claim(self, path: GenerationPath) -> Any:
        """By a worker that ends it later, or never."""
        return self.take(path) or multiple()

    @rule(holder=consumes(holders), ending=sampled_from(sorted(ENDINGS)))
    def end(self, holder: LeasedDocument, ending: str) -> None:
        with suppress(LeaseLost):
            holder.end(lambda _: ENDINGS[ending](holder))

    @rule(path=sampled_from(PATHS), ending=sampled_from(sorted(ENDINGS)))
    def make(self, path: GenerationPath, ending: str) -> None:
        """From claim to end, with nothing in between."""
        holder = self.take(path)
        if holder is not None:
            self.end(holder, ending)

    @rule(path=sampled_from(PATHS), who=sampled_from(["worker", "sweep", "nobody"]))
    def cancel(self, path: GenerationPath, who: str) -> None:
        found = self.documents.read(str(path))
        if found is not None and not Status(found.data["status"]).terminal:
            asked = {"cancel_requested": True}
            self.documents.update(str(path), asked, expected=found.version)
            # A message that is on its way, a sweep, or nobody yet.
            by = {"worker": lambda: self.take(path), "sweep": lambda: self.sweep(path)}
            by.get(who, lambda: None)()

    @rule(path=sampled_from(PATHS))
    def sweep(self, path: GenerationPath) -> None:
        settle(str(path), documents=self.documents, publisher=self.publisher)

    @rule(path=sampled_from(PATHS))
    def delete(self, path: GenerationPath) -> None:
        """Its owner does, if it is finished; an administrator may at any time."""
        data = self.data(path)
        if data is not None:
            self.documents.delete(str(path))
            self.deleted.append((path, data))
            self.unheard = self.unheard or data.get("charge", {}).get("state") == "reserved"

    @rule(which=integers(0, 99))
    def hear_of_a_deletion(self, which: int) -> None:
        """Late, twice, or after the id was used again."""
        if self.deleted:
            path, data = self.deleted[which % len(self.deleted)]
            give_back(str(path), data, documents=self.documents, search=self.documents)

    @rule(seconds=sampled_from([1.0, 31.0, 200.0, RECONCILE_AFTER.total_seconds(), DAY_SECONDS]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def reconcile(self) -> None:
        reconcile_all(documents=self.documents, search=self.documents, clock=self.clock)

    def drift(self) -> list[str]:
        usage = self.documents.read(USAGE)
        generations = {str(path): data for path in PATHS if (data := self.data(path)) is not None}
        # What was completed and is deleted has still been spent.
        for number, (path, data) in enumerate(self.deleted):
            if data.get("charge", {}).get("state") == "spent":
                generations[f"{path}-deleted-{number}"] = data
        return drift({USAGE: usage.data if usage else NOTHING}, generations)

    @invariant()
    def usage_is_what_the_generations_cost(self) -> None:
        if not self.unheard:
            assert self.drift() == []

    @invariant()
    def nobody_has_more_than_the_limits(self) -> None:
        usage = self.documents.read(USAGE)
        if usage is not None:
            assert len(usage.data["reserved"]) <= LIMITS.concurrent
            for day, amount in usage.data["spent"].items():
                assert day < oldest_day(usage.data) or 0 <= amount <= LIMITS.daily_credits

    def teardown(self) -> None:
        """Though no event of a deletion comes, usage is exact within hours."""
        if not hasattr(self, "clock"):
            return
        self.clock.advance(2 * RECONCILE_AFTER.total_seconds())
        self.reconcile()
        assert self.drift() == []
