"""Every write of a generation's life carries its fencing token, and none is made without one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gpu_worker.in_memory_engine import Script
from gpu_worker.lifecycle.handled import Later
from gpu_worker.time_limits import TimeLimits
from shared.lease import Lease
from shared.ports import Beside, Changes, Snapshot, StoredObject, Subscription, Written
from shared.status import Status
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS, Documents
from tests.unit.lifecycle.world import Worker, World, crashing, held, plain


@dataclass(frozen=True, kw_only=True)
class Record:
    """One write that went through."""

    worker: str
    changes: Changes
    before: Mapping[str, Any]
    expected: Any
    held: bool


class Audited:
    """One worker's way to the documents and objects: what it writes is kept."""

    def __init__(self, world: World, worker: str) -> None:
        self._world = world
        self._worker = worker
        self.writes: list[Record] = []
        self.objects: list[str] = []

    def read(self, path: str) -> Snapshot | None:
        return self._documents.read(path)

    def create(self, *arguments: Any, **options: Any) -> Any:
        """Of an object; a worker creates no documents."""
        name, data = arguments
        assert isinstance(data, bytes)
        stored: StoredObject = self._world.objects.create(name, data, **options)
        self.objects.append(name)
        return stored

    def delete(self, name: str, *, generation: Any = None) -> None:
        assert generation is not None, "an object of the same name may be another's"
        self._world.objects.delete(name, generation=generation)

    def update(
        self, path: str, changes: Changes, *, expected: Any, beside: Sequence[Beside] = ()
    ) -> Written:
        before = self._documents.inner.read(path)
        assert before is not None
        written = self._documents.update(path, changes, expected=expected, beside=beside)
        lease = Lease.from_document(before.data.get("lease"))
        self.writes.append(
            Record(
                worker=self._worker,
                changes=changes,
                before=before.data,
                expected=expected,
                held=lease.held_at(before.read_time),
            )
        )
        return written

    def watch(self, path: str, on_change: Callable[[Snapshot | None], None]) -> Subscription:
        return self._documents.watch(path, on_change)

    @property
    def _documents(self) -> Documents:
        return self._world.documents


def audited(
    world: World, script: Any, *, name: str = "a", **options: Any
) -> tuple[Worker, Audited]:
    audit = Audited(world, name)
    store: Any = audit
    worker = world.worker(
        script, name=name, documents=store, objects=store, watcher=store, **options
    )
    return worker, audit


def assert_fenced(*audits: Audited) -> None:
    """Whoever wrote held the lease, took it, or ended what nobody held; always with its token."""
    writes = [write for audit in audits for write in audit.writes]
    assert writes
    for write in writes:
        assert write.expected is not None
        before = Lease.from_document(write.before.get("lease"))
        after = Lease.from_document(write.changes["lease"])
        status = write.changes.get("status")
        if status == Status.PROCESSING:
            assert after.token > before.token
            assert after.worker_id == write.worker
            assert not (write.before["status"] == Status.PROCESSING and write.held)
        elif write.before["status"] == Status.PROCESSING and write.held:
            assert after.token == before.token
            assert before.worker_id == write.worker
            assert after.worker_id == (write.worker if status is None else None)
        else:
            assert Status(str(status)).terminal, f"{write} changes what nobody holds"
            assert after.token == before.token
    for audit in audits:
        tokens = {
            Lease.from_document(it.changes["lease"]).token
            for it in audit.writes
            if it.changes.get("status") == Status.PROCESSING
        }
        assert {int(name.split("/")[4]) for name in audit.objects} <= tokens


def test_a_completed_generation(world: World) -> None:
    world.submit()
    worker, audit = audited(world, plain)
    worker.handle()
    assert_fenced(audit)
    assert audit.objects
    assert [write.changes.get("status") for write in audit.writes][-1] == "completed"


def test_one_that_crashes_until_it_fails(world: World) -> None:
    world.submit()
    worker, audit = audited(world, crashing)
    for _ in range(3):
        worker.handle()
        world.backoff_over()
    assert_fenced(audit)
    assert world.documents.data()["status"] == "failed"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"cancel_requested": True}, "cancelled"),
        ({"attempt": 3}, "failed"),
        ({"input": {"prompt": 7}}, "failed"),
    ],
)
def test_one_that_never_reaches_the_engine(
    world: World, fields: dict[str, Any], status: str
) -> None:
    world.submit(**fields)
    worker, audit = audited(world, plain)
    worker.handle()
    assert_fenced(audit)
    assert world.documents.data()["status"] == status


@pytest.mark.parametrize("stop", ["cancelled", "drained", "lost"])
def test_one_that_is_stopped_at_work(world: World, stop: str) -> None:
    world.submit()
    worker, audit = audited(world, held, heartbeat_seconds=0.02)
    handling = worker.start()
    worker.wait_held()
    match stop:
        case "cancelled":
            world.documents.change(cancel_requested=True)
        case "drained":
            worker.runner.drain()
        case "lost":
            worker.engine.lose("the GPU is gone")
    handling.result(TIMEOUT_SECONDS)
    assert_fenced(audit)


def test_one_at_its_time_limit(world: World) -> None:
    world.submit()
    worker, audit = audited(world, held, time_limits=TimeLimits(image_seconds=0.05))
    worker.handle()
    assert_fenced(audit)


def test_a_film(world: World) -> None:
    world.submit(input={"task_type": "text2video", "prompt": "waves", "num_frames": 17})
    worker, audit = audited(world, plain)
    worker.handle()
    assert_fenced(audit)
    assert len(audit.objects) == 3


def test_a_zombie_and_whoever_took_over_from_it(world: World) -> None:
    world.submit()
    zombie, its = audited(world, lambda _: Script(hold_at=2))
    handling = zombie.start()
    zombie.wait_held()
    world.clock.advance(31)
    other, others = audited(world, plain, name="b")
    other.handle()
    written = len(its.writes)
    zombie.release()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=30)
    assert_fenced(its, others)
    assert len(its.writes) == written, "who lost its lease writes nothing"
    stored = {file["storage_path"] for file in world.documents.data()["output"]["files"]}
    assert stored <= set(others.objects)


def test_the_audit_finds_a_write_without_a_token_and_one_of_another_s(world: World) -> None:
    world.submit(status="processing", lease={"token": 4, "worker_id": "b", "expires_at": None})
    world.clock.advance(1)
    for lease in ({"token": 4, "worker_id": "a", "expires_at": None}, None):
        audit = Audited(world, "a")
        snapshot = world.documents.inner.read(str(PATH))
        assert snapshot is not None
        audit.update(
            str(PATH),
            {"progress": {}, **({"lease": lease} if lease else {})},
            expected=snapshot.version,
        )
        with pytest.raises((AssertionError, KeyError, ValueError)):
            assert_fenced(audit)
