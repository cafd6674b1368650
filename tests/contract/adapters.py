"""The adapters of the document ports, and the parameters that run a suite over each of them."""

from collections.abc import Callable, Mapping
from typing import Protocol

import pytest

from gpu_worker.adapters.firestore import FirestoreDocuments as WorkerDocuments
from shared.in_memory import InMemoryDocuments
from shared.ports import DocumentStore, DocumentWatcher, Snapshot
from trigger.adapters.firestore import FirestoreDocuments as TriggerDocuments


class Watched(DocumentStore, DocumentWatcher, Protocol):
    """A store whose documents can be watched."""


IN_MEMORY = "in memory"
#: Threads that want the same thing at once.
CONTENDERS = 8

BuildWatched = Callable[[pytest.FixtureRequest], Watched]
BuildStore = Callable[[pytest.FixtureRequest], DocumentStore]

WATCHERS: Mapping[str, BuildWatched] = {
    IN_MEMORY: lambda _: InMemoryDocuments(),
    "worker": lambda request: WorkerDocuments(request.getfixturevalue("firestore_client")),
}
STORES: Mapping[str, BuildStore] = {
    **WATCHERS,
    "trigger": lambda request: TriggerDocuments(request.getfixturevalue("firestore_client")),
}


def each_of(builds: Mapping[str, BuildStore] | Mapping[str, BuildWatched]) -> list[object]:
    """Parameters for a fixture: all but the one in memory need the stack."""
    return [
        pytest.param(build, id=name, marks=[] if name == IN_MEMORY else pytest.mark.stack)
        for name, build in builds.items()
    ]


def read(documents: DocumentStore, path: str) -> Snapshot:
    """The document, which must be there."""
    snapshot = documents.read(path)
    assert snapshot is not None
    return snapshot
