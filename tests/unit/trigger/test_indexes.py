"""Each of the sweep's queries has the index that production asks for and the emulator does not."""

import json
from pathlib import Path

import pytest

from shared.notice import AGAIN_AFTER
from shared.paths import ACCOUNTS, DEVICES_PATTERN, GENERATIONS, NOTICES
from shared.ports import Overdue
from trigger.adapters.firestore_notices import UPDATED_AT
from trigger.adapters.firestore_search import QUERIES, RECONCILE_AFTER

FILE = Path(__file__).resolve().parents[3] / "firestore.indexes.json"


def test_every_kind_has_a_query() -> None:
    assert set(QUERIES) == set(Overdue)


@pytest.mark.parametrize("what", list(Overdue))
def test_a_query_has_a_composite_index_over_everybody_s_documents(what: Overdue) -> None:
    equal = {condition.field_path for condition in QUERIES[what].equal}
    indexes = [
        [(field["fieldPath"], field["order"]) for field in index["fields"]]
        for index in json.loads(FILE.read_text())["indexes"]
        if (index["collectionGroup"], index["queryScope"]) == (GENERATIONS, "COLLECTION_GROUP")
    ]
    assert any(
        {name for name, _ in fields[:-1]} == equal
        and fields[-1] == (QUERIES[what].moment, "ASCENDING")
        for fields in indexes
    )


def test_what_a_heartbeat_writes_has_no_index_of_its_own() -> None:
    """Times that grow would wear one spot of it, some thousand times an hour and job."""
    overrides = json.loads(FILE.read_text())["fieldOverrides"]
    without = {it["fieldPath"] for it in overrides if not it["indexes"]}
    assert {"lease", "progress", "updated_at", "queued_at", "sweep_after"} <= without


def test_usage_that_is_due_is_found_by_an_index_over_everybody_s() -> None:
    overrides = {
        field["fieldPath"]: field["indexes"]
        for field in json.loads(FILE.read_text())["fieldOverrides"]
        if field["collectionGroup"] == ACCOUNTS
    }
    everybody_s = {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}
    assert overrides[RECONCILE_AFTER] == [everybody_s]
    # Of maps by id and by day each entry would be indexed by itself.
    assert overrides["reserved"] == overrides["spent"] == overrides["refunded"] == []


def test_notices_that_are_due_and_a_person_s_newest_devices_are_found_by_an_index() -> None:
    overrides = {
        (field["collectionGroup"], field["fieldPath"]): field["indexes"]
        for field in json.loads(FILE.read_text())["fieldOverrides"]
    }
    everybody_s = {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}
    assert overrides[NOTICES, AGAIN_AFTER] == [everybody_s]
    one_s = {"order": "DESCENDING", "queryScope": "COLLECTION"}
    assert overrides["devices", UPDATED_AT] == [one_s]
    assert DEVICES_PATTERN.endswith("/devices")
    # Of what is secret, or never asked for, there is none.
    for field in (("devices", "token"), ("devices", "platform"), (NOTICES, "at")):
        assert overrides[field] == []


def test_there_is_no_index_that_nothing_asks_for() -> None:
    indexes = json.loads(FILE.read_text())["indexes"]
    everybody_s = [index for index in indexes if index["queryScope"] == "COLLECTION_GROUP"]
    assert len(everybody_s) == len(QUERIES) + len([LINES])


#: What `trigger.adapters.firestore_queue` counts and lists by.
LINES = ["status", "kind", "created_at"]


def test_the_lines_are_counted_and_listed_by_an_index() -> None:
    indexes = json.loads(FILE.read_text())["indexes"]
    assert LINES in [
        [field["fieldPath"] for field in index["fields"] if field["order"] == "ASCENDING"]
        for index in indexes
        if index["queryScope"] == "COLLECTION_GROUP"
    ]
