"""Use case: gives back what is reserved for generations that nobody will settle any more.

Who ends a generation settles its charge in the same commit. What is left is what went on behind
that: a document deleted while it was in the making, or ended by hand. Usage is read first and the
generations after it, and written only if it did not change meanwhile: a generation accepted since
then would have changed it. Bounds: MAX_ACCOUNTS and RUN_SECONDS a run, MAX_CONFLICTS tries each.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from shared.charge import Charge
from shared.clock import Clock
from shared.document import Generation
from shared.errors import InvalidInput
from shared.json_log import facts_of
from shared.paths import GenerationPath, usage_owner
from shared.ports import (
    Conflict,
    DocumentStore,
    GenerationSearch,
    Missing,
    Unavailable,
    UsageSearch,
)
from shared.usage import Usage

#: Each costs a read, one more for each generation in the making, and a write.
MAX_ACCOUNTS = 100
#: A run a minute; it is one of three that share the function's time.
RUN_SECONDS = 20.0
#: The owner asks for pictures meanwhile.
MAX_CONFLICTS = 5
STATE_FIELDS = ("status", "charge")

LOG = logging.getLogger("trigger")


class Search(GenerationSearch, UsageSearch, Protocol):
    """Looks over generations and over usage."""


class Fate(StrEnum):
    """What became of a generation that usage has a reservation for."""

    #: It is to be settled by whoever ends it.
    IN_THE_MAKING = "in_the_making"
    #: There is none of that id, or one that has not been accepted yet.
    GONE = "gone"
    #: Its charge is settled.
    SETTLED = "settled"
    #: It has ended, and not by us.
    ENDED_BY_HAND = "ended_by_hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciled:
    """What one run did."""

    #: Reservations that were given up.
    released: int = 0
    #: Documents that could not be reconciled.
    faults: list[str] = field(default_factory=list)


def fate_of(path: GenerationPath, state: Mapping[str, Any] | None) -> Fate:
    """`state`: STATE_FIELDS of the generation, None if there is none."""
    if state is None:
        return Fate.GONE
    try:
        generation = Generation.from_document(path, state)
    except InvalidInput:
        # No status of ours: whoever looks at it next ends it.
        return Fate.IN_THE_MAKING
    if generation.charge is None:
        return Fate.GONE
    if not generation.charge.held:
        return Fate.SETTLED
    return Fate.ENDED_BY_HAND if generation.status.terminal else Fate.IN_THE_MAKING


def reconcile(path: str, *, documents: DocumentStore, search: GenerationSearch) -> int:
    """How many reservations of the usage document at `path` were given up.

    Raises `Unavailable`, and `Conflict` when it kept changing: the next run goes on.
    """
    uid = usage_owner(path)
    if uid is None:
        return 0  # another collection of an app's, of the same name
    by_hand = 0
    for _ in range(MAX_CONFLICTS + 1):
        snapshot = documents.read(path)
        if snapshot is None:
            return by_hand
        usage = Usage.from_document(snapshot.data)
        fates = _fates(uid, usage, search)
        ended = [name for name, fate in fates.items() if fate is Fate.ENDED_BY_HAND]
        if ended:
            by_hand += sum(_settle(uid, name, documents) for name in ended)
            continue  # which has changed the usage
        gone = {name for name, fate in fates.items() if fate is Fate.GONE}
        settled = {name for name, fate in fates.items() if fate is Fate.SETTLED}
        due = usage.reconcile_after is None or usage.reconcile_after <= snapshot.read_time
        if not (gone or settled or due):
            return by_hand
        changes = usage.reconciled(gone, settled, server_now=snapshot.read_time)
        try:
            documents.update(path, changes, expected=snapshot.version)
        except (Conflict, Missing):
            continue
        return by_hand + len(gone | settled)
    raise Conflict(f"{path} changed {MAX_CONFLICTS + 1} times while it was being reconciled")


def _fates(uid: str, usage: Usage, search: GenerationSearch) -> Mapping[str, Fate]:
    """By id, of all that usage has a reservation for."""
    paths = {}
    for name in usage.reserved:
        # An id that is none of ours was written by hand; no generation has it.
        with suppress(InvalidInput):
            paths[name] = GenerationPath(uid=uid, generation_id=name)
    states = search.states([str(path) for path in paths.values()], STATE_FIELDS)
    return {
        name: fate_of(paths[name], states.get(str(paths[name]))) if name in paths else Fate.GONE
        for name in usage.reserved
    }


def _settle(uid: str, name: str, documents: DocumentStore) -> int:
    """Settles the charge of a generation that was ended by hand: 1, or 0 if somebody else did."""
    path = GenerationPath(uid=uid, generation_id=name)
    snapshot = documents.read(str(path))
    if snapshot is None or fate_of(path, snapshot.data) is not Fate.ENDED_BY_HAND:
        return 0
    generation = Generation.from_document(path, snapshot.data)
    changes = generation.settled(generation.status)
    beside = generation.beside(changes)
    try:
        documents.update(str(path), changes, expected=snapshot.version, beside=beside)
    except (Conflict, Missing):
        return 0
    return 1


def give_back(
    path: str,
    deleted: Mapping[str, Any],
    *,
    documents: DocumentStore,
    search: GenerationSearch,
) -> int:
    """The generation at `path` was deleted, and was as `deleted` then: how many reservations were
    given up. Nothing is read unless it still held one. Raises as `reconcile`."""
    charge = Charge.from_document(deleted.get("charge"))
    if charge is None or not charge.held:
        return 0
    try:
        usage = GenerationPath.parse(path).usage
    except InvalidInput:
        return 0  # it was never accepted
    return reconcile(usage, documents=documents, search=search)


def reconcile_all(*, documents: DocumentStore, search: Search, clock: Clock) -> Reconciled:
    """All usage that is due. Raises `Unavailable` when a service is away; what was done is done."""
    deadline = clock.monotonic() + RUN_SECONDS
    released, faults = 0, list[str]()
    for path in search.unreconciled(before=clock.now(), limit=MAX_ACCOUNTS):
        if clock.monotonic() >= deadline:
            break
        try:
            released += reconcile(path, documents=documents, search=search)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 (logged; the next one has no part in it)
            _log_fault(path, error)
            faults.append(path)
    return Reconciled(released=released, faults=faults)


def _log_fault(path: str, error: Exception) -> None:
    # Not `exception`, which would log the error's text.
    LOG.error("cannot reconcile", extra={"fields": {"of": path, **facts_of(error)}})
