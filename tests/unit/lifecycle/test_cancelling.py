"""A cancellation from the phone, whenever it comes and however it is noticed."""

import threading
from collections.abc import Callable

import pytest

from gpu_worker.in_memory_engine import InMemoryEngine, Script
from gpu_worker.lifecycle.handled import Done
from gpu_worker.ports import EngineJob, EngineProgress, EngineResult, Frames, no_frames
from shared.admission import Admission
from shared.clock import SystemClock
from shared.paths import GenerationPath
from shared.ports import Changes
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS, DeadWatcher
from tests.unit.lifecycle.world import INPUT, World, crashing, held, job_id

#: Of `conftest.world`: so many uploads are under way at once.
FILE_THREADS = 4


def assert_cancelled(world: World) -> None:
    data = world.documents.data()
    assert data["status"] == "cancelled"
    assert data["lease"]["worker_id"] is None
    assert "completed_at" in data
    assert "output" not in data
    assert "progress" not in data
    assert world.objects.names == set()


def test_a_generation_cancelled_in_the_queue_never_reaches_the_engine(world: World) -> None:
    world.submit(cancel_requested=True)
    worker = world.worker()
    assert worker.handle() == Done()
    assert worker.engine.ran == []
    assert world.documents.data()["status"] == "cancelled"


def test_a_running_generation_stops_through_the_watch(world: World) -> None:
    _, handling = world.hold_one()
    world.documents.change(cancel_requested=True)
    assert handling.result(TIMEOUT_SECONDS) == Done()
    assert_cancelled(world)


def test_a_running_generation_stops_through_the_next_write_when_the_watch_is_dead(
    world: World,
) -> None:
    world.submit()
    worker = world.worker(held, watcher=DeadWatcher(), clock=SystemClock(), heartbeat_seconds=0.05)
    handling = worker.start()
    worker.wait_held()
    world.documents.change(cancel_requested=True)
    assert handling.result(TIMEOUT_SECONDS) == Done()
    assert_cancelled(world)


def test_a_generation_waiting_for_the_engine_is_cancelled_before_its_turn(world: World) -> None:
    other = GenerationPath(uid="ada", generation_id="g2")
    world.submit()
    world.submit(other)
    worker = world.worker(held)
    worker.start()
    worker.wait_held()
    waiting = worker.start(other)
    world.documents.wait_for_writes(lambda w: w.get("status") == "processing", 2)
    world.documents.change(other, cancel_requested=True)
    assert waiting.result(TIMEOUT_SECONDS) == Done()
    assert world.documents.data(other)["status"] == "cancelled"
    assert worker.engine.ran == [job_id()]


def test_a_cancellation_between_claim_and_watch_is_seen_by_the_watch(world: World) -> None:
    world.submit()

    def cancel(changes: Changes) -> None:
        if changes.get("status") == "processing":
            world.documents.change(cancel_requested=True)

    world.documents.after = cancel
    worker = world.worker()
    assert worker.handle() == Done()
    assert worker.engine.ran == []
    assert_cancelled(world)


def test_a_cancellation_that_hides_the_reply_to_the_claim_is_noticed_without_a_watch(
    world: World,
) -> None:
    """The claim's reply is lost, the client cancels, and reading back absorbs both."""
    world.submit()

    def lose_the_reply(changes: Changes) -> None:
        if changes.get("status") == "processing":
            world.documents.after = lambda _: None
            world.documents.change(cancel_requested=True)
            raise world.conflict()

    world.documents.after = lose_the_reply
    worker = world.worker(watcher=DeadWatcher())
    assert worker.handle() == Done()
    assert worker.engine.ran == []
    assert_cancelled(world)


class DeafAtFirst(InMemoryEngine):
    """Gets a cancellation in the moment before it knows the job, and so ignores it."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        super().__init__(lambda _: Script())
        self._ask = cancel

    def run(
        self,
        job: EngineJob,
        on_progress: Callable[[EngineProgress], None],
        on_frames: Callable[[Frames], None] = no_frames,
    ) -> EngineResult:
        self._ask()
        return super().run(job, on_progress, on_frames)


def test_a_cancellation_just_before_the_engine_knows_the_job_stops_it_at_its_first_progress(
    world: World,
) -> None:
    world.submit()
    engine = DeafAtFirst(lambda: world.documents.change(cancel_requested=True))
    assert world.worker(engine=engine).handle() == Done()
    assert_cancelled(world)


@pytest.mark.parametrize("deleted", [False, True], ids=["cancelled", "deleted"])
def test_files_stored_before_the_stop_go(world: World, deleted: bool) -> None:
    world.submit()
    stored = threading.Event()

    def stop(name: str) -> None:
        if "thumbnail" in name and not stored.is_set():
            stored.set()
            if deleted:
                world.documents.inner.delete("users/ada/generations/g1")
            else:
                world.documents.change(cancel_requested=True)

    world.objects.before_create = stop
    world.worker().handle()
    assert stored.is_set()
    assert world.objects.names == set()
    if not deleted:
        assert_cancelled(world)


def test_a_cancellation_between_the_last_upload_and_the_end_is_honoured(world: World) -> None:
    """Without a watch the last write's conflict is the first that is heard of it."""
    world.submit()

    def cancel(changes: Changes) -> None:
        if changes.get("status") == "completed":
            world.documents.before = lambda _: None
            world.documents.change(cancel_requested=True)

    world.documents.before = cancel
    assert world.worker(watcher=DeadWatcher()).handle() == Done()
    assert_cancelled(world)


def test_a_cancelled_generation_whose_attempt_fails_is_cancelled(world: World) -> None:
    world.submit()

    def cancel(changes: Changes) -> None:
        if changes.get("status") == "queued":
            world.documents.before = lambda _: None
            world.documents.change(cancel_requested=True)

    world.documents.before = cancel
    assert world.worker(crashing, watcher=DeadWatcher()).handle() == Done()
    assert_cancelled(world)
    assert "error" not in world.documents.data()


def test_after_a_stop_no_upload_is_begun(world: World) -> None:
    """Those under way are waited for; the rest of eight files would cost their time for nothing."""
    world.submit(input={**INPUT, "num_images": 4})
    begun, lock = list[str](), threading.Lock()
    cancelled = threading.Event()

    def cancel(name: str) -> None:
        with lock:
            begun.append(name)
            first = len(begun) == 1
        if first:
            world.documents.change(cancel_requested=True)
            cancelled.set()
        assert cancelled.wait(TIMEOUT_SECONDS)

    world.objects.before_create = cancel
    assert world.worker(admission=Admission(max_images=4)).handle() == Done()
    assert_cancelled(world)
    assert len(begun) <= FILE_THREADS


def test_a_document_deleted_under_its_job_stops_it_and_is_not_written_again(world: World) -> None:
    worker, handling = world.hold_one()
    written = len(world.documents.writes)
    world.documents.inner.delete("users/ada/generations/g1")
    handling.result(TIMEOUT_SECONDS)
    assert len(world.documents.writes) == written
    assert worker.handle() == Done()


def test_a_late_stop_of_one_attempt_does_not_hit_the_next_one(world: World) -> None:
    worker, handling = world.hold_one()
    world.clock.advance(31)
    other = world.worker(name="worker-b")
    assert other.handle() == Done()
    worker.release()
    handling.result(TIMEOUT_SECONDS)
    # The same generation, submitted anew after an admin reset it, runs in the same worker.
    world.documents.change(status="queued")
    again = worker.start()
    worker.wait_held(token=3)
    worker.engine.cancel(job_id(1))
    worker.release(token=3)
    assert again.result(TIMEOUT_SECONDS) == Done()
    assert world.documents.data()["status"] == "completed"
