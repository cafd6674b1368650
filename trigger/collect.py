"""Use case: removes files that no document refers to, a page of the bucket at a time.

A pass over all of `users/` begins every PASS_SECONDS; each run takes one page of it, and where the
next one goes on stands in the document SWEEP_STATE. So a run in between costs one read, and one
with a page a read for each generation that has files in it. Any number of runs may overlap: they
remove by generation of the object, and one of them notes where the next goes on. Nothing is removed
after RUN_SECONDS: the page is then taken once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.leftovers import GRACE_SECONDS, STATE_FIELDS, is_left_over
from shared.paths import OBJECTS_ROOT, ObjectName
from shared.ports import (
    AlreadyExists,
    Conflict,
    DocumentStore,
    GenerationSearch,
    ListedObject,
    ObjectListing,
    Rejected,
    Snapshot,
)

#: Where the next run goes on: `{began_at, next_page}`; `next_page` is None between two passes.
SWEEP_STATE = "sweeps/files"
#: From the beginning of one pass to that of the next, or longer if it takes longer.
PASS_SECONDS = 24 * 3600.0
#: The most that Storage lists at once: some 300 generations, each a read.
PAGE_OBJECTS = 1000
#: Some 800 removals; only a page full of left-over files takes longer.
RUN_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What one run did."""

    removed: int
    #: Whether the pass reached its end, or none is due.
    finished: bool


def collect(
    *,
    documents: DocumentStore,
    search: GenerationSearch,
    files: ObjectListing,
    clock: Clock,
    grace_seconds: float = GRACE_SECONDS,
    pass_seconds: float = PASS_SECONDS,
) -> Collected:
    """One page. Raises `Unavailable`; what was removed by then stays removed, the page is repeated.

    The time is the server's, but for the first run ever, which has nothing to read it from.
    """
    deadline = clock.monotonic() + RUN_SECONDS
    state = documents.read(SWEEP_STATE)
    now = state.read_time if state else clock.now()
    began_at, page = _position(state)
    if page is None:
        if began_at is not None and now - began_at < timedelta(seconds=pass_seconds):
            return Collected(removed=0, finished=True)
        began_at = now
    try:
        listed = files.page(OBJECTS_ROOT, limit=PAGE_OBJECTS, page=page)
    except Rejected:
        if page is None:
            raise
        # Written by another release, or too old: the pass begins anew.
        began_at, listed = now, files.page(OBJECTS_ROOT, limit=PAGE_OBJECTS)
    removed = 0
    for one in _left_over(listed.objects, search, now, grace_seconds):
        if clock.monotonic() >= deadline:
            return Collected(removed=removed, finished=False)
        files.delete(one.name, generation=one.generation)
        removed += 1
    _note(documents, state, {"began_at": began_at, "next_page": listed.next_page})
    return Collected(removed=removed, finished=listed.next_page is None)


def _position(state: Snapshot | None) -> tuple[datetime | None, str | None]:
    data: Mapping[str, Any] = state.data if state else {}
    began_at, page = data.get("began_at"), data.get("next_page")
    if not isinstance(began_at, datetime):
        return None, None
    return began_at, page if isinstance(page, str) else None


def _left_over(
    listed: Sequence[ListedObject], search: GenerationSearch, now: datetime, grace_seconds: float
) -> list[ListedObject]:
    grace = timedelta(seconds=grace_seconds)
    names = {
        one.name: name
        for one in listed
        if now - one.created_at >= grace and (name := ObjectName.parse(one.name))
    }
    # After the listing, never before it: see shared.leftovers.
    documents = search.states({str(name.generation) for name in names.values()}, STATE_FIELDS)
    return [
        one
        for one in listed
        if (name := names.get(one.name))
        and is_left_over(name.token, documents.get(str(name.generation)))
    ]


def _note(documents: DocumentStore, state: Snapshot | None, position: Mapping[str, Any]) -> None:
    try:
        if state is None:
            documents.create(SWEEP_STATE, position)
        else:
            documents.update(SWEEP_STATE, position, expected=state.version)
    except (Conflict, AlreadyExists):
        # Another run has taken the same page and noted where it ends.
        return
