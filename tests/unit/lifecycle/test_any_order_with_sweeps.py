"""Any order of messages, claims, deaths, ends and sweeps keeps the promises, in memory."""

from collections.abc import Sequence

from hypothesis import HealthCheck, settings

from shared.in_memory import InMemoryDocuments
from tests.chaos.lifecycle_machine import LifecycleMachine
from tests.chaos.lifecycle_world import LifecycleWorld
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import ManualClock


class InMemory(LifecycleMachine):
    def make_worlds(self) -> Sequence[LifecycleWorld]:
        clock = ManualClock()
        return [LifecycleWorld(documents=InMemoryDocuments(clock), path=PATH, clock=clock)]


TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
