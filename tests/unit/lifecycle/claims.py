"""Claims for tests: one try, one that must succeed, and an end."""

from gpu_worker.lifecycle.leased_document import LeasedDocument
from gpu_worker.lifecycle.take import Taken, take
from tests.unit.lifecycle.stores import PATH
from tests.unit.lifecycle.world import ManualClock, World


def claim(world: World, worker_id: str = "worker-a", clock: ManualClock | None = None) -> Taken:
    return take(
        world.documents,
        clock or world.clock,
        PATH,
        worker_id=worker_id,
        on_cancel_requested=lambda: None,
    )


def claimed(world: World, worker_id: str = "worker-a") -> LeasedDocument:
    taken = claim(world, worker_id)
    assert isinstance(taken, LeasedDocument)
    return taken


def end(leased: LeasedDocument) -> None:
    leased.end(lambda generation: generation.to_completed({"image_url": "x"}, {}, {}))
