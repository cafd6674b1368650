"""Use case: measures the lines once a minute, and tells those who wait in them where they stand.

One document, `system/queue`, for operators and for the estimates at acceptance; and `queue` of the
generations that come next. Estimates only: a generation that is claimed or changed meanwhile is let
be, and so is a fault of one. Bounds: MAX_PLACES a kind, MAX_WORKERS, RUN_SECONDS a run, of which
the lines have equal parts: the first of each are told before the second of any.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.clock import Clock
from shared.json_log import facts_of
from shared.kinds import Kind
from shared.paths import QUEUE_DOCUMENT, GenerationPath
from shared.ports import (
    SERVER_TIME,
    AlreadyExists,
    Changes,
    Conflict,
    DocumentStore,
    Missing,
    Rejected,
    Unavailable,
)
from shared.presence import ALIVE_SECONDS, SPEED_SECONDS, load_of
from shared.queueing import Load, QueueSearch, Waiting
from shared.status import Status

#: Told their places; who stands behind them hears of it when they have gone.
MAX_PLACES = 200
#: Documents read a run; of more workers the rest counts as not there.
MAX_WORKERS = 500
#: It is one of four that share the function's time.
RUN_SECONDS = 15.0
#: An estimate that is off by less is not worth a write, and a read of its listener.
ETA_SECONDS, ETA_SHARE = 5.0, 0.2

LOG = logging.getLogger("trigger")


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What one run found and did."""

    loads: Mapping[Kind, Load]
    #: Generations that were told a new place.
    told: int = 0
    faults: list[str] = field(default_factory=list)


def tell_places(*, documents: DocumentStore, search: QueueSearch, clock: Clock) -> Placed:
    """Raises `Unavailable` when the lines cannot be measured."""
    deadline = clock.monotonic() + RUN_SECONDS
    now = clock.now()
    speeds_since = now - timedelta(seconds=SPEED_SECONDS)
    reports = search.workers(since=speeds_since, limit=MAX_WORKERS)
    alive_since = now - timedelta(seconds=ALIVE_SECONDS)
    lines: dict[Kind, tuple[Load, list[Waiting]]] = {}
    for kind in Kind:
        workers, seconds = load_of(kind, reports, alive_since=alive_since)
        first = list(search.waiting(kind, limit=MAX_PLACES))
        waiting = len(first) if len(first) < MAX_PLACES else search.count(Status.QUEUED, kind)
        load = Load(
            waiting=waiting,
            running=search.count(Status.PROCESSING, kind),
            workers=workers,
            seconds_per_job=seconds,
            oldest=first[0].created_at if first else None,
        )
        lines[kind] = load, first
    loads = {kind: load for kind, (load, _) in lines.items()}
    _save(documents, loads)
    told, faults = 0, []
    for one, place in _by_turns(lines):
        if clock.monotonic() >= deadline:
            break
        if not GenerationPath.has_form(one.path) or not _is_news(one.queue, place):
            continue
        try:
            told += _tell(documents, one, place)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 (logged; the next one has no part in it)
            fields = {"of": one.path, **facts_of(error)}
            LOG.error("cannot tell a place", extra={"fields": fields})  # noqa: TRY400
            faults.append(one.path)
    return Placed(loads=loads, told=told, faults=faults)


def _by_turns(
    lines: Mapping[Kind, tuple[Load, Sequence[Waiting]]],
) -> Iterator[tuple[Waiting, Mapping[str, Any]]]:
    """The first of each line, then the second of each: a run that ends early has told as many of
    one line as of another."""
    for ahead in range(max(len(first) for _, first in lines.values())):
        for load, first in lines.values():
            if ahead < len(first):
                yield first[ahead], load.place(ahead)


def _save(documents: DocumentStore, loads: Mapping[Kind, Load]) -> None:
    changes: Changes = {
        **{kind.value: load.to_document() for kind, load in loads.items()},
        "updated_at": SERVER_TIME,
    }
    before = documents.read(QUEUE_DOCUMENT)
    try:
        if before is None:
            documents.create(QUEUE_DOCUMENT, changes)
        else:
            documents.update(QUEUE_DOCUMENT, changes, expected=before.version)
    except (AlreadyExists, Conflict, Missing):
        LOG.info("another run measured the lines at the same time")


def _is_news(told: object, place: Mapping[str, Any]) -> bool:
    """Whether `place` differs from what was `told` by more than a person would care about."""
    if not isinstance(told, Mapping) or told.get("ahead") != place["ahead"]:
        return True
    before, now = told.get("eta_seconds"), place.get("eta_seconds")
    if not isinstance(before, int | float) or now is None:
        return (before is None) != (now is None)
    return bool(abs(now - before) > max(ETA_SECONDS, ETA_SHARE * max(now, before)))


def _tell(documents: DocumentStore, one: Waiting, place: Mapping[str, Any]) -> bool:
    """False when somebody else was faster: then it is not waiting as it was."""
    changes = {"queue": dict(place), "updated_at": SERVER_TIME}
    try:
        documents.update(one.path, changes, expected=one.version)
    except (Conflict, Missing, Rejected):
        # One that has hardly room for its end has none for this.
        return False
    return True
