"""What every `DocumentWatcher` does: tells of the document now and after every change."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import Empty, Queue
from typing import Any

import pytest

from shared.ports import Snapshot, Subscription
from tests.contract.adapters import WATCHERS, BuildWatched, Watched, each_of

NOTICE_TIMEOUT_SECONDS = 20


@pytest.fixture(params=each_of(WATCHERS))
def documents(request: pytest.FixtureRequest) -> Watched:
    build: BuildWatched = request.param
    return build(request)


class Watch:
    """One watch, and what it was told."""

    def __init__(self, documents: Watched, path: str) -> None:
        self.told: Queue[Snapshot | None] = Queue()
        self.subscription: Subscription = documents.watch(path, self.told.put)

    def until(self, expected: dict[str, Any] | None) -> None:
        """Wait until it was told of `expected`; others may come before."""
        before = []
        try:
            while True:
                snapshot = self.told.get(timeout=NOTICE_TIMEOUT_SECONDS)
                data = None if snapshot is None else dict(snapshot.data)
                if data == expected:
                    return
                before.append(data)
        except Empty:
            pytest.fail(f"was told of {before}, never of {expected}")


@pytest.fixture
def watch(documents: Watched, path: str) -> Iterator[Callable[[], Watch]]:
    with ExitStack() as watches:

        def start() -> Watch:
            started = Watch(documents, path)
            watches.callback(started.subscription.close)
            return started

        yield start


def test_a_watch_is_told_of_the_document_that_is_there(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    documents.create(path, {"n": 1})
    watch().until({"n": 1})


def test_a_watch_is_told_that_there_is_none(watch: Callable[[], Watch]) -> None:
    watch().until(None)


def test_a_watch_is_told_of_creation_and_changes(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    started = watch()
    version = documents.create(path, {"n": 1}).version
    started.until({"n": 1})
    documents.update(path, {"n": 2}, expected=version)
    started.until({"n": 2})


def test_what_a_watch_is_told_can_be_used_as_the_version_of_an_update(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    documents.create(path, {"n": 1})
    snapshot = watch().told.get(timeout=NOTICE_TIMEOUT_SECONDS)
    assert snapshot is not None
    documents.update(path, {"n": 2}, expected=snapshot.version)


def test_every_watch_of_a_document_is_told(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    first, second = watch(), watch()
    documents.create(path, {"n": 1})
    first.until({"n": 1})
    second.until({"n": 1})


def test_a_closed_watch_is_told_nothing_more_and_can_be_closed_again(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    closed, open_ = watch(), watch()
    closed.until(None)
    open_.until(None)
    closed.subscription.close()
    closed.subscription.close()
    documents.create(path, {"n": 1})
    open_.until({"n": 1})
    assert closed.told.empty()


def test_a_watch_of_one_document_is_not_told_of_another(
    documents: Watched, path: str, watch: Callable[[], Watch]
) -> None:
    started = watch()
    started.until(None)
    documents.create(f"{path}-other", {"n": 1})
    documents.create(path, {"n": 2})
    snapshot = started.told.get(timeout=NOTICE_TIMEOUT_SECONDS)
    assert snapshot is not None
    assert snapshot.data["n"] == 2
