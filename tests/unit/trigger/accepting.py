"""Generations of one person that are accepted under small limits, one after another or at once."""

from collections.abc import Callable
from typing import Any

from shared.in_memory import InMemoryDocuments, InMemoryPublisher
from shared.paths import IMAGE_TOPIC, GenerationPath
from shared.usage import Limits
from tests.unit.lifecycle.world import START, ManualClock
from tests.unit.trigger.meddling import CREATED, MeddledDocuments
from trigger.enqueue import Outcome, enqueue

USAGE = "users/ann/account/usage"
TODAY = START.date().isoformat()
LIMITS = Limits(concurrent=2, daily_credits=25)
COST = 10


def path_of(name: str) -> str:
    return str(GenerationPath(uid="ann", generation_id=name))


def store(
    *names: str, meddlings: tuple[Callable[[MeddledDocuments], None], ...] = (), **fields: Any
) -> MeddledDocuments:
    documents = MeddledDocuments(*meddlings, clock=ManualClock())
    for name in names or ("g1",):
        documents.create(path_of(name), {**CREATED, **fields})
    return documents


def accept(
    documents: InMemoryDocuments,
    publisher: InMemoryPublisher,
    name: str = "g1",
    limits: Limits | None = LIMITS,
) -> Outcome:
    return enqueue(path_of(name), CREATED, documents=documents, publisher=publisher, limits=limits)


def nothing(_: MeddledDocuments) -> None:
    """Nobody acts."""


def by_another_function(name: str, limits: Limits = LIMITS) -> Callable[[MeddledDocuments], None]:
    """Another generation of the same person is accepted right before this one is written."""

    def meddle(documents: MeddledDocuments) -> None:
        accept(documents, InMemoryPublisher((IMAGE_TOPIC,)), name, limits)

    return meddle
