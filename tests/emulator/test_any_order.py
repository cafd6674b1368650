"""The same steps in memory and on Firestore's emulator come to the same, whatever their order."""

import secrets
from collections.abc import Sequence

import pytest
from google.cloud import firestore
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gpu_worker.adapters.firestore import FirestoreDocuments
from shared.in_memory import InMemoryDocuments
from shared.paths import GenerationPath
from tests.chaos.lifecycle_machine import LifecycleMachine
from tests.chaos.lifecycle_world import Later, LifecycleWorld
from tests.unit.lifecycle.world import ManualClock
from tools.stack import Stack

PROJECT = "any-order"
#: An example is some hundred calls of the emulator.
EXAMPLES = 12
STEPS = 25


def test_every_sequence_of_steps_comes_to_the_same_on_the_emulator(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.env().items():
        monkeypatch.setenv(name, value)
    # Not the stack's own project: its functions would accept the documents between two steps.
    firestore_client = firestore.Client(project=PROJECT)
    made: list[GenerationPath] = []

    class Both(LifecycleMachine):
        def make_worlds(self) -> Sequence[LifecycleWorld]:
            # Somebody new each time, with a usage of their own.
            path = GenerationPath(uid=f"order-{secrets.token_hex(6)}", generation_id="g1")
            made.append(path)
            here, there = ManualClock(), ManualClock()
            return [
                LifecycleWorld(documents=InMemoryDocuments(here), path=path, clock=here),
                LifecycleWorld(
                    documents=Later(FirestoreDocuments(firestore_client), there),
                    path=path,
                    clock=there,
                ),
            ]

    run_state_machine_as_test(
        Both,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for path in made:
        firestore_client.document(str(path)).delete()
        firestore_client.document(path.usage).delete()
    firestore_client.close()
