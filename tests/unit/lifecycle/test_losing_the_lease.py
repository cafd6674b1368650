"""Takeovers, workers that come back from the dead, and replies that get lost."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from gpu_worker.lifecycle.handled import Done, Later
from shared.clock import SystemClock
from shared.ports import Changes, Unavailable
from tests.unit.lifecycle.stores import PATH, TIMEOUT_SECONDS, DeadWatcher
from tests.unit.lifecycle.world import World, crashing, held, step_of


def assert_belongs_to(world: World, token: int) -> None:
    """One complete set of files, of one token, and the document refers to it."""
    data = world.documents.data()
    assert (data["status"], data["lease"]["token"]) == ("completed", token)
    assert {file["storage_path"] for file in data["output"]["files"]} == {f"{PATH}/{token}/0.png"}
    assert world.objects.names == {
        f"{PATH}/{token}/0.png",
        f"{PATH}/{token}/0.thumbnail.webp",
    }


def test_a_lapsed_lease_is_taken_over_under_the_next_token(world: World) -> None:
    world.submit()
    dead = world.worker(held)
    dead.start()
    dead.wait_held()
    world.clock.advance(30)
    assert world.worker(name="worker-b").handle() == Done()
    assert world.documents.data()["attempt"] == 2
    assert_belongs_to(world, 2)


@pytest.mark.parametrize("watcher", [None, DeadWatcher()], ids=["watched", "watch dead"])
def test_a_worker_paused_in_the_engine_past_its_lease_writes_nothing_when_it_resumes(
    world: World, watcher: DeadWatcher | None
) -> None:
    world.submit()
    zombie = world.worker(held, watcher=watcher)
    handling = zombie.start()
    zombie.wait_held()
    world.clock.advance(31)
    assert world.worker(name="worker-b").handle() == Done()
    before = world.documents.data()
    zombie.release()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=30)
    assert world.documents.data() == before
    assert_belongs_to(world, 2)


@pytest.mark.parametrize("watcher", [None, DeadWatcher()], ids=["watched", "watch dead"])
def test_a_worker_paused_in_its_upload_takes_its_files_away(
    world: World, watcher: DeadWatcher | None
) -> None:
    world.submit()
    paused, resume = threading.Event(), threading.Event()

    def pause(name: str) -> None:
        if "/1/" in name:
            paused.set()
            assert resume.wait(TIMEOUT_SECONDS)

    world.objects.before_create = pause
    handling = world.worker(watcher=watcher).start()
    assert paused.wait(TIMEOUT_SECONDS)
    world.clock.advance(31)
    assert world.worker(name="worker-b").handle() == Done()
    before = world.documents.data()
    resume.set()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=30)
    assert world.documents.data() == before
    assert_belongs_to(world, 2)


def test_a_worker_paused_in_its_last_write_meets_the_newer_token(world: World) -> None:
    world.submit()
    paused, resume = threading.Event(), threading.Event()

    def pause(changes: Changes) -> None:
        if changes["status"] == "completed" and not paused.is_set():
            paused.set()
            assert resume.wait(TIMEOUT_SECONDS)

    def before(changes: Changes) -> None:
        if "status" in changes:
            pause(changes)

    world.documents.before = before
    handling = world.worker().start()
    assert paused.wait(TIMEOUT_SECONDS)
    world.clock.advance(31)
    assert world.worker(name="worker-b").handle() == Done()
    resume.set()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=30)
    assert_belongs_to(world, 2)


def lost_reply(
    world: World, status: str | None, fault: Callable[[], Exception]
) -> Callable[[Changes], None]:
    """Commit the first write of `status` (None: of a heartbeat), then answer with `fault`."""
    left = [True]

    def hook(changes: Changes) -> None:
        if changes.get("status") == status and left[0]:
            left[0] = False
            raise fault()

    return hook


@pytest.mark.parametrize("status", ["processing", "completed", None])
def test_a_lost_reply_costs_neither_an_attempt_nor_a_file(world: World, status: str | None) -> None:
    world.submit()
    world.documents.after = lost_reply(world, status, world.conflict)
    worker = world.worker()
    assert worker.handle() == Done()
    assert len(worker.engine.ran) == 1
    assert world.documents.data()["attempt"] == 1
    assert_belongs_to(world, 1)


def test_a_lost_reply_to_giving_a_failure_back_is_recognised(world: World) -> None:
    world.submit()
    world.documents.after = lost_reply(world, "queued", world.conflict)
    handled = world.worker(crashing).handle()
    assert isinstance(handled, Later)
    assert handled.seconds <= 2
    assert world.documents.data()["status"] == "queued"


def test_a_lost_reply_to_a_final_failure_is_recognised(world: World) -> None:
    world.submit(input={"prompt": ""})
    world.documents.after = lost_reply(world, "failed", world.conflict)
    assert world.worker().handle() == Done()
    assert world.documents.data()["status"] == "failed"


def test_a_claim_without_any_reply_is_taken_over_by_the_same_worker_after_its_lease(
    world: World,
) -> None:
    world.submit()
    world.documents.after = lost_reply(world, "processing", lambda: Unavailable("away"))
    worker = world.worker()
    assert isinstance(worker.handle(), Later)
    assert worker.handle() == Later(seconds=30)
    world.clock.advance(30)
    assert worker.handle() == Done()
    assert_belongs_to(world, 2)


def test_a_finish_without_any_reply_keeps_the_files_that_the_document_refers_to(
    world: World,
) -> None:
    world.submit()
    world.documents.after = lost_reply(world, "completed", lambda: Unavailable("away"))
    worker = world.worker()
    assert worker.handle() == Later(seconds=30)
    assert_belongs_to(world, 1)
    assert worker.handle() == Done()
    assert len(worker.engine.ran) == 1


def test_a_finish_whose_read_back_fails_keeps_the_files_too(world: World) -> None:
    world.submit()

    def away() -> None:
        raise Unavailable("away")

    def lose(changes: Changes) -> None:
        if changes.get("status") == "completed":
            world.documents.before_read = away
            raise world.conflict()

    world.documents.after = lose
    assert world.worker().handle() == Later(seconds=30)
    assert_belongs_to(world, 1)


def test_the_job_stops_when_no_heartbeat_gets_through_its_trust_window(world: World) -> None:
    """The engine hangs in quiet: no progress comes that could notice."""
    world.submit()
    stopped = threading.Event()

    def away(changes: Changes) -> None:
        if "status" not in changes:
            raise Unavailable("away")

    world.documents.before = away
    # 6.2 s of lease less the margin of 6 s: the window closes 0.2 s after the claim.
    worker = world.worker(held, clock=SystemClock(), lease_seconds=6.2, heartbeat_seconds=0.05)
    handling = worker.start()
    handling.add_done_callback(lambda _: stopped.set())
    assert stopped.wait(TIMEOUT_SECONDS)
    assert handling.result() == Later(seconds=6.2)
    assert world.documents.data()["status"] == "processing"
    assert world.objects.names == set()


def test_a_window_that_closed_while_everything_slept_stops_the_job_at_the_next_step(
    world: World,
) -> None:
    worker, handling = world.hold_one()
    world.documents.wait_for_writes(lambda w: step_of(w) is not None)
    writes: list[dict[str, Any]] = list(world.documents.writes)
    # Past the trust window (24 s), and nobody else has taken over.
    world.clock.advance(24)
    worker.release()
    assert handling.result(TIMEOUT_SECONDS) == Later(seconds=30)
    assert world.documents.writes == writes
