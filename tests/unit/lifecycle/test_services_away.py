"""Firestore or Storage are away, or refuse, at any moment of a generation."""

import threading

from gpu_worker.lifecycle.handled import Done, Later
from gpu_worker.lifecycle.runner import STORE_RETRY_SECONDS
from shared.ports import Unavailable
from tests.unit.lifecycle.stores import TIMEOUT_SECONDS, faulty_write
from tests.unit.lifecycle.world import World, held, step_of


def unavailable(_: object) -> None:
    raise Unavailable("away")


def test_storage_that_is_away_sends_the_generation_back_to_the_queue(world: World) -> None:
    world.submit()
    world.objects.before_create = unavailable
    assert isinstance(world.worker().handle(), Later)
    data = world.documents.data()
    assert (data["status"], data["error"]["code"]) == ("queued", "service_unavailable")


def test_one_file_that_cannot_be_stored_takes_the_others_along(world: World) -> None:
    world.submit()

    def no_thumbnails(name: str) -> None:
        if "thumbnail" in name:
            raise Unavailable("away")

    world.objects.before_create = no_thumbnails
    world.worker().handle()
    assert world.documents.data()["status"] == "queued"
    assert world.objects.names == set()


def test_files_are_deleted_only_after_the_document_is_written(world: World) -> None:
    """Deleting may take longer than the lease lasts, and nobody renews it meanwhile."""
    world.submit()
    seen: list[str] = []

    def deleting(_: str) -> None:
        seen.append(world.documents.data()["status"])
        raise PermissionError("not allowed to delete")

    def no_thumbnails(name: str) -> None:
        if "thumbnail" in name:
            raise Unavailable("away")

    world.objects.before_create = no_thumbnails
    world.objects.before_delete = deleting
    assert isinstance(world.worker().handle(), Later)
    assert seen == ["queued"]


def test_a_store_that_is_away_at_the_claim_leaves_the_message_for_later(world: World) -> None:
    world.submit()
    worker = world.worker()
    world.documents.before = faulty_write("processing", lambda: Unavailable("away"), 1)
    assert worker.handle() == Later(seconds=STORE_RETRY_SECONDS)
    assert worker.engine.ran == []
    assert worker.handle() == Done()


def test_a_store_that_is_away_for_a_heartbeat_costs_nothing(world: World) -> None:
    world.submit()
    worker = world.worker(held, heartbeat_seconds=0.02)
    tried = threading.Event()

    def away() -> Exception:
        tried.set()
        return Unavailable("away")

    world.documents.before = faulty_write(None, away, 1)
    handling = worker.start()
    worker.wait_held()
    assert tried.wait(TIMEOUT_SECONDS)
    world.clock.advance(1)
    world.documents.wait_for_writes(lambda w: step_of(w) == 1)
    worker.release()
    assert handling.result(TIMEOUT_SECONDS) == Done()
    assert world.documents.data()["attempt"] == 1


def test_a_store_that_is_away_at_the_finish_leaves_the_generation_to_its_lease(
    world: World,
) -> None:
    world.submit()
    worker = world.worker()
    world.documents.before = faulty_write("completed", lambda: Unavailable("away"), 1)
    assert worker.handle() == Later(seconds=30)
    assert world.documents.data()["status"] == "processing"
    world.clock.advance(31)
    assert worker.handle() == Done()
    data = world.documents.data()
    assert (data["status"], data["attempt"], data["lease"]["token"]) == ("completed", 2, 2)
    assert all("/2/" in file["storage_path"] for file in data["output"]["files"])


def test_a_refused_finish_does_not_escape(world: World) -> None:
    world.submit()
    world.documents.before = faulty_write("completed", lambda: PermissionError("denied"), 1)
    assert world.worker().handle() == Later(seconds=30)
