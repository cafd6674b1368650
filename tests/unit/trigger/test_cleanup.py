"""The files of a deleted document, on in-memory ports."""

from typing import NoReturn

import pytest

from shared.in_memory_objects import InMemoryObjects
from shared.lease import FREE
from shared.paths import GenerationPath
from tests.unit.lifecycle.world import START, ManualClock
from trigger import cleanup
from trigger.cleanup import clean_up

ANN = GenerationPath(uid="ann", generation_id="g1")


@pytest.fixture
def files() -> InMemoryObjects:
    return InMemoryObjects()


def put(files: InMemoryObjects, *names: str) -> None:
    for name in names:
        files.create(name, b"x", content_type="image/png")


def names(files: InMemoryObjects) -> list[str]:
    return [one.name for one in files.page("", limit=1000).objects]


def test_the_files_of_every_attempt_go_and_those_of_others_stay(files: InMemoryObjects) -> None:
    others = [
        "users/ann/generations/g10/1/0.png",
        "users/ann/generations/g1/odd.png",
        "users/ann/inputs/photo.png",
        "users/bob/generations/g1/1/0.png",
    ]
    put(files, *others)
    put(files, *(ANN.object_name(token, name) for token in (1, 2) for name in ("0.png", "1.png")))
    assert clean_up(str(ANN), 2, files=files) == 4
    assert names(files) == sorted(others)


def test_an_event_that_comes_again_or_late_never_touches_a_new_document_of_the_same_id(
    files: InMemoryObjects,
) -> None:
    clock = ManualClock()
    first = FREE.taken("w", server_now=clock.now(), expires_at=START)
    clock.advance(1)
    second = FREE.taken("w", server_now=clock.now(), expires_at=START)
    kept = ANN.object_name(second.token, "0.png")
    put(files, ANN.object_name(first.token, "0.png"), kept)
    for _ in range(2):
        clean_up(str(ANN), first.token, files=files)
    assert names(files) == [kept]


def test_what_a_worker_still_uploads_is_left_to_the_sweep_without_a_fault(
    files: InMemoryObjects,
) -> None:
    put(files, ANN.object_name(1, "0.png"))
    clean_up(str(ANN), 1, files=files)
    put(files, ANN.object_name(1, "1.png"))
    assert names(files) == [ANN.object_name(1, "1.png")]
    assert clean_up(str(ANN), 1, files=files) == 1


def test_more_than_a_page_of_files_goes(
    files: InMemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "PAGE_OBJECTS", 2)
    put(files, *(ANN.object_name(1, f"{n}.png") for n in range(5)))
    assert clean_up(str(ANN), 1, files=files) == 5
    assert names(files) == []


@pytest.mark.parametrize(
    ("path", "last_token"), [(str(ANN), 0), ("users/ann/generations/with space", 7)]
)
def test_a_document_that_never_had_files_is_not_looked_for(path: str, last_token: int) -> None:
    class Unasked(InMemoryObjects):
        def page(self, prefix: str, *, limit: int, page: str | None = None) -> NoReturn:
            pytest.fail("Storage was asked")

    assert clean_up(path, last_token, files=Unasked()) == 0
