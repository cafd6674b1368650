"""What a `DocumentStore` writes beside a document: all of it in one commit, or nothing of it."""

import threading

import pytest

from shared.ports import (
    DELETE,
    SERVER_TIME,
    Adjustment,
    AlreadyExists,
    Beside,
    Conflict,
    Creation,
    DocumentStore,
    Missing,
    Update,
)
from tests.contract.adapters import CONTENDERS, read


def test_what_is_beside_an_update_is_written_with_it(documents: DocumentStore, path: str) -> None:
    version = documents.create(path, {"n": 1}).version
    other = documents.create(f"{path}-other", {"kept": 1, "gone": 1}).version
    at_once = documents.update(
        path,
        {"at": SERVER_TIME},
        expected=version,
        beside=[
            Creation(path=f"{path}-new", data={"at": SERVER_TIME}),
            Update(path=f"{path}-other", changes={"gone": DELETE, "n": 2}, expected=other),
        ],
    )
    assert read(documents, path).version == at_once.version
    assert dict(read(documents, f"{path}-other").data) == {"kept": 1, "n": 2}
    assert read(documents, f"{path}-new").data["at"] == read(documents, path).data["at"]


def test_an_update_whose_own_version_is_over_writes_nothing_beside_it(
    documents: DocumentStore, path: str
) -> None:
    old = documents.create(path, {"n": 1}).version
    documents.update(path, {"n": 2}, expected=old)
    beside: list[Beside] = [
        Creation(path=f"{path}-new", data={}),
        Adjustment(path=f"{path}-sum", add={("sum",): 1}, remove=()),
    ]
    with pytest.raises(Conflict):
        documents.update(path, {"n": 3}, expected=old, beside=beside)
    assert documents.read(f"{path}-new") is None
    assert documents.read(f"{path}-sum") is None


@pytest.mark.parametrize("what", ["taken", "changed", "gone"])
def test_an_update_is_not_written_when_what_is_beside_it_cannot_be(
    documents: DocumentStore, path: str, what: str
) -> None:
    version = documents.create(path, {"n": 1}).version
    old = documents.create(f"{path}-other", {"n": 1}).version
    documents.update(f"{path}-other", {"n": 2}, expected=old)
    beside: dict[str, Beside] = {
        "taken": Creation(path=f"{path}-other", data={"n": 3}),
        "changed": Update(path=f"{path}-other", changes={"n": 3}, expected=old),
        "gone": Update(path=f"{path}-none", changes={"n": 3}, expected=old),
    }
    with pytest.raises((Conflict, AlreadyExists, Missing)):
        documents.update(path, {"n": 2}, expected=version, beside=[beside[what]])
    assert read(documents, path).data["n"] == 1
    assert read(documents, f"{path}-other").data["n"] == 2
    assert documents.read(f"{path}-none") is None
    # The document itself has not changed: it may be written once more with what is right.
    documents.update(path, {"n": 2}, expected=version)


#: As ids and days are: nothing that a name without quotes may be.
ODD = "a.b:c@d-e"
DAY = "2026-11-23"


def test_an_adjustment_adds_and_removes_whatever_the_version_and_leaves_the_rest(
    documents: DocumentStore, path: str
) -> None:
    usage = f"{path}-usage"
    held = {ODD: {"credits": 10, "day": DAY}, "other": {"credits": 5, "day": DAY}}
    old = documents.create(usage, {"spent": {DAY: 15, "x": 1}, "reserved": held, "n": 1}).version
    documents.update(usage, {"n": 2}, expected=old)
    version = documents.create(path, {}).version
    adjustment = Adjustment(
        path=usage,
        add={("spent", DAY): -10, ("spent", "2026-11-24"): 3, ("whole",): 7},
        remove=[("reserved", ODD), ("reserved", "never"), ("none", "at", "all")],
    )
    documents.update(path, {"n": 1}, expected=version, beside=[adjustment])
    data = dict(read(documents, usage).data)
    assert data.pop("none", {"at": {}}) == {"at": {}}
    assert data == {
        "spent": {DAY: 5, "x": 1, "2026-11-24": 3},
        "reserved": {"other": {"credits": 5, "day": DAY}},
        "n": 2,
        "whole": 7,
    }


def test_an_adjustment_makes_the_document_that_is_not_there(
    documents: DocumentStore, path: str
) -> None:
    version = documents.create(path, {}).version
    adjustment = Adjustment(
        path=f"{path}-usage", add={("spent", DAY): -10}, remove=[("reserved", ODD)]
    )
    documents.update(path, {"n": 1}, expected=version, beside=[adjustment])
    assert read(documents, f"{path}-usage").data["spent"] == {DAY: -10}


def test_adjustments_at_the_same_time_all_count(documents: DocumentStore, path: str) -> None:
    usage = f"{path}-usage"
    names = [f"g{n}" for n in range(CONTENDERS)]
    documents.create(usage, {"sum": 0, "reserved": dict.fromkeys(names, 1)})
    versions = {name: documents.create(f"{path}-{name}", {}).version for name in names}
    start = threading.Barrier(CONTENDERS)
    done: list[str] = []

    def end(name: str) -> None:
        adjustment = Adjustment(path=usage, add={("sum",): 1}, remove=[("reserved", name)])
        start.wait()
        documents.update(
            f"{path}-{name}", {"ended": True}, expected=versions[name], beside=[adjustment]
        )
        done.append(name)

    threads = [threading.Thread(target=end, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(done) == names
    assert dict(read(documents, usage).data) == {"sum": CONTENDERS, "reserved": {}}


def test_an_adjustment_writes_fields_anew_and_takes_whole_ones_away(
    documents: DocumentStore, path: str
) -> None:
    notice = f"{path}-notice"
    documents.create(notice, {"told": ["phone"], "at": {"old": 1}, "kept": 1})
    for name, there in ((notice, {"kept": 1}), (f"{path}-new", {})):
        version = documents.create(f"{name}-of", {}).version
        adjustment = Adjustment(
            path=name, add={}, remove=[("told",)], put={"at": SERVER_TIME, "again": {"n": 1}}
        )
        written = documents.update(
            f"{name}-of", {"end": SERVER_TIME}, expected=version, beside=[adjustment]
        )
        found = read(documents, name)
        ended = read(documents, f"{name}-of").data["end"]
        assert dict(found.data) == {**there, "at": ended, "again": {"n": 1}}
        assert found.version == written.version


def test_an_adjustment_never_conflicts_with_what_changed_its_document(
    documents: DocumentStore, path: str
) -> None:
    version = documents.create(path, {}).version
    other = documents.create(f"{path}-notice", {"n": 1}).version
    documents.update(f"{path}-notice", {"n": 2}, expected=other)
    adjustment = Adjustment(path=f"{path}-notice", add={}, remove=(), put={"at": 1})
    documents.update(path, {"n": 1}, expected=version, beside=[adjustment])
    assert dict(read(documents, f"{path}-notice").data) == {"n": 2, "at": 1}
    with pytest.raises(Conflict):
        documents.update(f"{path}-notice", {"n": 3}, expected=other)
