"""The collection of files that no document refers to, on in-memory ports."""

from datetime import timedelta
from typing import Any

import pytest

from shared.in_memory import InMemoryDocuments
from shared.in_memory_objects import InMemoryObjects
from shared.leftovers import GRACE_SECONDS
from shared.paths import GenerationPath
from shared.ports import ObjectPage, Rejected, Unavailable
from tests.unit.lifecycle.world import START, ManualClock
from trigger import collect as collecting
from trigger.collect import PASS_SECONDS, RUN_SECONDS, SWEEP_STATE, Collected, collect

ANN = GenerationPath(uid="ann", generation_id="g1")
OVERLONG_GRACE = GRACE_SECONDS + 1


class Bucket(InMemoryObjects):
    """Files, and what happens right after they were listed."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.pages: list[str | None] = []
        self.after_listing: list[Any] = []

    def page(self, prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        self.pages.append(page)
        listed = super().page(prefix, limit=limit, page=page)
        if self.after_listing:
            self.after_listing.pop(0)()
        return listed

    def put(self, path: GenerationPath, token: int, name: str = "0.png") -> str:
        full_name = path.object_name(token, name)
        self.create(full_name, b"x", content_type="image/png")
        return full_name

    @property
    def names(self) -> list[str]:
        return sorted(self._objects)


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.documents = InMemoryDocuments(self.clock)
        self.bucket = Bucket(self.clock)

    def put(self, path: GenerationPath, status: str, token: int) -> None:
        lease = {"token": token, "worker_id": None, "expires_at": None}
        self.documents.create(str(path), {"status": status, "lease": lease, "output": {}})

    def collect(self, **changed: Any) -> Collected:
        return collect(
            documents=self.documents,
            search=self.documents,
            files=self.bucket,
            clock=self.clock,
            **changed,
        )

    def next_page(self) -> str | None:
        snapshot = self.documents.read(SWEEP_STATE)
        assert snapshot is not None
        page: str | None = snapshot.data["next_page"]
        return page


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PAGE_OBJECTS", 2)


def test_files_that_nobody_refers_to_go_and_all_others_stay(world: World) -> None:
    done, lost, waiting = (GenerationPath(uid="ann", generation_id=name) for name in "abc")
    gone = GenerationPath(uid="bob", generation_id="gone")
    world.put(done, "completed", 7)
    world.put(lost, "failed", 3)
    world.put(waiting, "processing", 9)
    kept = [
        world.bucket.put(done, 7),
        world.bucket.put(done, 7, "0.thumbnail.webp"),
        world.bucket.put(waiting, 9),
    ]
    others = ["users/ann/inputs/photo.png", "users/ann/generations/x/odd.png", "elsewhere/a"]
    for name in others:
        world.bucket.create(name, b"x", content_type="image/png")
    for path, token in ((done, 6), (lost, 3), (waiting, 8), (gone, 1)):
        world.bucket.put(path, token)
    world.clock.advance(OVERLONG_GRACE)
    assert world.collect() == Collected(removed=4, finished=True)
    assert world.bucket.names == sorted(kept + others)


def test_a_file_younger_than_the_grace_stays_until_it_is_older(world: World) -> None:
    name = world.bucket.put(ANN, 1)
    world.clock.advance(GRACE_SECONDS - 1)
    assert world.collect(pass_seconds=0).removed == 0
    assert world.bucket.names == [name]
    world.clock.advance(1)
    assert world.collect(pass_seconds=0).removed == 1


def test_a_picture_that_is_finished_while_the_bucket_is_listed_is_kept(world: World) -> None:
    """Its files are there before its document says so: documents are read after the listing."""
    world.put(ANN, "processing", 5)
    kept = world.bucket.put(ANN, 5)
    world.clock.advance(OVERLONG_GRACE)

    def finish() -> None:
        snapshot = world.documents.read(str(ANN))
        assert snapshot is not None
        world.documents.update(str(ANN), {"status": "completed"}, expected=snapshot.version)

    world.bucket.after_listing.append(finish)
    assert world.collect().removed == 0
    assert world.bucket.names == [kept]


def test_a_file_that_took_a_left_over_s_name_meanwhile_is_kept(world: World) -> None:
    name = world.bucket.put(ANN, 5)
    world.clock.advance(OVERLONG_GRACE)

    def replace() -> None:
        world.bucket.delete(name)
        world.bucket.put(ANN, 5)

    world.bucket.after_listing.append(replace)
    world.collect()
    assert world.bucket.names == [name]


def test_between_two_passes_a_run_lists_nothing(world: World) -> None:
    assert world.collect().finished
    world.bucket.put(ANN, 1)
    world.clock.advance(PASS_SECONDS - 1)
    assert world.collect() == Collected(removed=0, finished=True)
    assert len(world.bucket.pages) == 1
    world.clock.advance(1)
    assert world.collect().removed == 1


@pytest.mark.usefixtures("small_pages")
def test_a_pass_goes_on_where_the_last_run_ended(world: World) -> None:
    for token in range(1, 6):
        world.bucket.put(ANN, token)
    world.clock.advance(OVERLONG_GRACE)
    runs = [world.collect() for _ in range(3)]
    assert [run.removed for run in runs] == [2, 2, 1]
    assert [run.finished for run in runs] == [False, False, True]
    assert world.bucket.names == []
    assert world.next_page() is None


@pytest.mark.usefixtures("small_pages")
def test_a_run_that_is_cut_off_repeats_its_page(world: World, monkeypatch: Any) -> None:
    for token in range(1, 4):
        world.bucket.put(ANN, token)
    world.clock.advance(OVERLONG_GRACE)

    def away(*_: object, **__: object) -> None:
        raise Unavailable("Storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.bucket, "delete", away)
        with pytest.raises(Unavailable):
            world.collect()
    assert [world.collect().removed for _ in range(2)] == [2, 1]


def test_a_run_ends_in_time_and_the_next_one_takes_the_same_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in range(1, int(RUN_SECONDS) + 6):
        world.bucket.put(ANN, token)
    world.clock.advance(OVERLONG_GRACE)
    delete = world.bucket.delete

    def slowly(name: str, *, generation: Any = None) -> None:
        world.clock.advance(1.0)
        delete(name, generation=generation)

    monkeypatch.setattr(world.bucket, "delete", slowly)
    assert world.collect() == Collected(removed=int(RUN_SECONDS), finished=False)
    assert world.collect() == Collected(removed=5, finished=True)


@pytest.mark.usefixtures("small_pages")
def test_of_two_runs_at_once_one_notes_the_place_and_nothing_is_removed_twice(
    world: World,
) -> None:
    for token in range(1, 6):
        world.bucket.put(ANN, token)
    world.clock.advance(OVERLONG_GRACE)
    world.bucket.after_listing.append(world.collect)
    world.collect()
    assert len(world.bucket.names) == 3
    assert world.next_page() == ANN.object_name(2, "0.png")


@pytest.mark.usefixtures("small_pages")
def test_a_place_that_storage_no_longer_knows_begins_the_pass_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in range(1, 4):
        world.bucket.put(ANN, token)
    world.collect()
    world.clock.advance(OVERLONG_GRACE)
    listing = world.bucket.page

    def forgetful(prefix: str, *, limit: int, page: str | None = None) -> ObjectPage:
        if page is not None:
            raise Rejected("what page?")
        return listing(prefix, limit=limit)

    with monkeypatch.context() as patch:
        patch.setattr(world.bucket, "page", forgetful)
        assert world.collect() == Collected(removed=2, finished=False)
    assert world.collect().finished
    assert world.bucket.names == []


@pytest.mark.parametrize("state", [{}, {"began_at": "yesterday"}, {"began_at": None}])
def test_a_state_that_cannot_be_read_begins_a_pass(world: World, state: dict[str, Any]) -> None:
    world.documents.create(SWEEP_STATE, state)
    world.collect()
    snapshot = world.documents.read(SWEEP_STATE)
    assert snapshot is not None
    assert snapshot.data == {"began_at": START, "next_page": None}


@pytest.mark.parametrize("days", [-3, 3])
def test_a_wrong_clock_of_the_function_s_neither_shortens_the_grace_nor_stops_the_passes(
    world: World, days: int
) -> None:
    world.collect()
    world.bucket.put(ANN, 1)
    wrong = ManualClock()
    wrong.advance(timedelta(days=days).total_seconds())
    for expected in (0, 1):
        run = collect(
            documents=world.documents,
            search=world.documents,
            files=world.bucket,
            clock=wrong,
            pass_seconds=0,
        )
        assert run.removed == expected
        world.clock.advance(OVERLONG_GRACE)


def test_the_first_run_ever_with_a_clock_behind_removes_nothing(world: World) -> None:
    world.bucket.put(ANN, 1)
    behind = ManualClock()
    behind.advance(-timedelta(days=1).total_seconds())
    collect(documents=world.documents, search=world.documents, files=world.bucket, clock=behind)
    assert len(world.bucket.names) == 1
