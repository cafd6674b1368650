"""Reservations that nobody will settle any more, on in-memory ports."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from shared.in_memory import InMemoryDocuments
from shared.paths import GenerationPath
from shared.ports import Conflict, Unavailable
from shared.usage import RECONCILE_AFTER
from tests.unit.lifecycle.world import START, ManualClock
from trigger.reconcile import (
    MAX_ACCOUNTS,
    MAX_CONFLICTS,
    RUN_SECONDS,
    Reconciled,
    give_back,
    reconcile,
    reconcile_all,
)

DAY = START.date().isoformat()
HELD = {"credits": 10, "day": DAY, "state": "reserved"}
SPENT = {**HELD, "state": "spent"}


def path_of(name: str, uid: str = "ann") -> str:
    return str(GenerationPath(uid=uid, generation_id=name))


def usage_of(uid: str = "ann") -> str:
    return f"users/{uid}/account/usage"


def data(documents: InMemoryDocuments, path: str) -> dict[str, Any]:
    snapshot = documents.read(path)
    assert snapshot is not None
    return dict(snapshot.data)


class Meddled(InMemoryDocuments):
    """Somebody acts right after each look at the generations."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(self.clock)
        self.meddlings: list[Callable[[], None]] = []

    def states(self, *arguments: Any) -> Any:
        found = super().states(*arguments)
        if self.meddlings:
            self.meddlings.pop(0)()
        return found

    def reserve(self, *names: str, uid: str = "ann") -> None:
        """A usage document with so many reservations, due now."""
        self.create(
            usage_of(uid),
            {
                "spent": {DAY: 10 * len(names)},
                "reserved": {name: {"credits": 10, "day": DAY} for name in names},
                "reconcile_after": START,
            },
        )

    def run(self) -> Reconciled:
        return reconcile_all(documents=self, search=self, clock=self.clock)


@pytest.fixture
def documents() -> Meddled:
    return Meddled()


def test_what_is_in_the_making_keeps_its_place_and_is_looked_at_an_hour_later(
    documents: Meddled,
) -> None:
    documents.reserve("queued", "processing")
    for status in ("queued", "processing"):
        documents.create(path_of(status), {"status": status, "charge": HELD})
    assert documents.run() == Reconciled()
    usage = data(documents, usage_of())
    assert usage["spent"] == {DAY: 20}
    assert set(usage["reserved"]) == {"queued", "processing"}
    assert usage["reconcile_after"] == START + RECONCILE_AFTER
    documents.clock.advance(RECONCILE_AFTER.total_seconds() - 1)
    assert documents.unreconciled(before=documents.clock.now(), limit=5) == []


@pytest.mark.parametrize(
    "state",
    [
        None,
        {"status": "pending"},
        {"status": "queued"},
        {"status": "pending", "charge": HELD},
    ],
    ids=["deleted", "made anew", "accepted without quotas", "made by hand"],
)
def test_what_is_gone_is_given_back(documents: Meddled, state: dict[str, Any] | None) -> None:
    documents.reserve("g1")
    if state is not None:
        documents.create(path_of("g1"), state)
    assert documents.run() == Reconciled(released=1)
    usage = data(documents, usage_of())
    assert (usage["spent"], usage["reserved"]) == ({DAY: 0}, {})
    assert "reconcile_after" not in usage
    assert documents.run() == Reconciled()


@pytest.mark.parametrize(
    ("status", "state", "left"),
    [("completed", "spent", 10), ("failed", "refunded", 0), ("cancelled", "refunded", 0)],
)
def test_what_was_ended_by_hand_is_settled_as_its_status_says(
    documents: Meddled, status: str, state: str, left: int
) -> None:
    documents.reserve("g1")
    documents.create(path_of("g1"), {"status": status, "charge": HELD})
    assert documents.run() == Reconciled(released=1)
    usage = data(documents, usage_of())
    assert (usage["spent"], usage["reserved"]) == ({DAY: left}, {})
    assert data(documents, path_of("g1"))["charge"]["state"] == state


def test_a_reservation_whose_charge_is_settled_only_frees_its_place(documents: Meddled) -> None:
    documents.reserve("g1")
    documents.create(path_of("g1"), {"status": "completed", "charge": SPENT})
    assert documents.run() == Reconciled(released=1)
    usage = data(documents, usage_of())
    assert (usage["spent"], usage["reserved"]) == ({DAY: 10}, {})


def test_one_whose_status_is_broken_is_left_to_whoever_ends_it(documents: Meddled) -> None:
    documents.reserve("g1")
    documents.create(path_of("g1"), {"status": "dreaming", "charge": HELD})
    assert documents.run() == Reconciled()
    assert set(data(documents, usage_of())["reserved"]) == {"g1"}


def test_an_id_that_no_generation_can_have_is_given_back(documents: Meddled) -> None:
    documents.reserve("not an id")
    assert documents.run() == Reconciled(released=1)


def test_a_generation_accepted_between_the_looks_keeps_its_place(documents: Meddled) -> None:
    documents.reserve("g1")

    def accept() -> None:
        snapshot = documents.read(usage_of())
        assert snapshot is not None
        documents.create(path_of("g1"), {"status": "queued", "charge": HELD})
        documents.update(usage_of(), {"limits": {}}, expected=snapshot.version)

    documents.meddlings = [accept]
    assert documents.run() == Reconciled()
    assert data(documents, usage_of())["spent"] == {DAY: 10}


def test_usage_that_never_stops_changing_is_a_fault_and_stops_nobody_else(
    documents: Meddled, caplog: pytest.LogCaptureFixture
) -> None:
    documents.reserve("g1")
    documents.reserve("g1", uid="bob")

    def touch() -> None:
        snapshot = documents.read(usage_of())
        assert snapshot is not None
        documents.update(usage_of(), {"note": 1}, expected=snapshot.version)

    documents.meddlings = [touch] * (MAX_CONFLICTS + 1)
    with caplog.at_level(logging.INFO):
        assert documents.run() == Reconciled(released=1, faults=[usage_of()])
    assert vars(caplog.records[0])["fields"]["error"] == "Conflict"
    assert documents.run() == Reconciled(released=1)


def test_firestore_being_away_ends_the_run(
    documents: Meddled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> NoReturn:
        raise Unavailable("Firestore is away")

    documents.reserve("g1")
    monkeypatch.setattr(documents, "states", away)
    with pytest.raises(Unavailable):
        documents.run()


def test_a_run_is_bounded_in_accounts_and_in_time_and_the_next_goes_on(
    documents: Meddled,
) -> None:
    for number in range(MAX_ACCOUNTS + 5):
        documents.reserve("g1", uid=f"user{number}")
    assert documents.run() == Reconciled(released=MAX_ACCOUNTS)
    documents.meddlings = [lambda: documents.clock.advance(RUN_SECONDS)]
    assert documents.run() == Reconciled(released=1)
    assert documents.run() == Reconciled(released=4)


def test_a_collection_of_an_app_s_own_that_has_the_same_name_is_left_alone(
    documents: Meddled,
) -> None:
    documents.create("shops/one/account/usage", {"reconcile_after": START, "reserved": {}})
    assert documents.run() == Reconciled()
    assert data(documents, "shops/one/account/usage")["reconcile_after"] == START


class TestADeletedDocument:
    def test_gives_back_what_it_held(self, documents: Meddled) -> None:
        documents.reserve("g1", "g2")
        documents.create(path_of("g2"), {"status": "queued", "charge": HELD})
        deleted = {"charge": HELD}
        for released in (1, 0):
            assert self.give_back(documents, deleted) == released
        usage = data(documents, usage_of())
        assert (usage["spent"], set(usage["reserved"])) == ({DAY: 10}, {"g2"})

    @pytest.mark.parametrize("charge", [None, SPENT, {**HELD, "state": "refunded"}])
    def test_that_held_nothing_costs_no_read(
        self, documents: Meddled, monkeypatch: pytest.MonkeyPatch, charge: object
    ) -> None:
        monkeypatch.delattr(InMemoryDocuments, "read")
        assert self.give_back(documents, {"charge": charge}) == 0

    def test_leaves_the_place_of_a_new_one_of_its_id_alone(self, documents: Meddled) -> None:
        documents.reserve("g1")
        documents.create(path_of("g1"), {"status": "processing", "charge": HELD})
        assert self.give_back(documents, {"charge": HELD}) == 0
        assert data(documents, usage_of())["spent"] == {DAY: 10}

    def test_writes_nothing_where_there_is_nothing_to_give_back(self, documents: Meddled) -> None:
        later = START + timedelta(hours=1)
        documents.create(usage_of(), {"spent": {}, "reserved": {}, "reconcile_after": later})
        before = documents.read(usage_of())
        assert self.give_back(documents, {"charge": HELD}) == 0
        assert documents.read(usage_of()) == before

    def test_under_an_id_that_is_none_of_ours_held_nothing(self, documents: Meddled) -> None:
        path = "users/ann/generations/not an id"
        assert give_back(path, {"charge": HELD}, documents=documents, search=documents) == 0

    def test_of_somebody_without_usage_gives_nothing_back(self, documents: Meddled) -> None:
        assert self.give_back(documents, {"charge": HELD}) == 0

    @staticmethod
    def give_back(documents: Meddled, deleted: dict[str, Any]) -> int:
        return give_back(path_of("g1"), deleted, documents=documents, search=documents)


def test_a_conflict_that_lasts_is_raised(documents: Meddled) -> None:
    documents.reserve("g1")

    def touch() -> None:
        snapshot = documents.read(usage_of())
        assert snapshot is not None
        documents.update(usage_of(), {"note": 1}, expected=snapshot.version)

    documents.meddlings = [touch] * (MAX_CONFLICTS + 1)
    with pytest.raises(Conflict, match="while it was being reconciled"):
        reconcile(usage_of(), documents=documents, search=documents)
