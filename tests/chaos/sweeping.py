"""The sweep as the harness calls it: one round over one project."""

from collections.abc import Callable

from shared.paths import GenerationPath
from shared.status import Status
from tests.chaos.evidence import State
from tests.chaos.oracle import referenced
from tests.chaos.project import Project

Sweep = Callable[[Project], None]


def sweep_by_hand(project: Project) -> None:
    """Republishes what has not ended, and deletes what no ended document refers to."""
    kept: set[str] = set()
    for document in project.database.collection_group("generations").stream():
        state = State.of(document.to_dict() or {}, document.update_time)
        kept.update(referenced(state))
        if state.status in (Status.PENDING, Status.QUEUED, Status.PROCESSING):
            project.publish([GenerationPath.parse(document.reference.path)])
    for file in project.files():
        if file.name not in kept:
            project.bucket.blob(file.name).delete()
