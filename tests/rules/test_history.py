"""The query of an app's history: an owner's generations of one status, the newest first."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.rules.firestore_rest import Firestore
from tests.rules.people import Person, somebody
from tools.stack.names import REPOSITORY

HISTORY: dict[str, Any] = {
    "from": [{"collectionId": "generations"}],
    "where": {
        "fieldFilter": {
            "field": {"fieldPath": "status"},
            "op": "EQUAL",
            "value": {"stringValue": "completed"},
        }
    },
    "orderBy": [{"field": {"fieldPath": "created_at"}, "direction": "DESCENDING"}],
}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.is_success, answer.text
    found = [it["document"]["name"] for it in answer.json() if "document" in it]
    return [name.rpartition("/")[2] for name in found]


@pytest.mark.stack
def test_an_owner_lists_what_is_completed_and_nobody_else_does(
    firestore_as: Callable[[Person | None], Firestore],
) -> None:
    owner, server = somebody(), firestore_as(None)
    for number, status in enumerate(["completed", "failed", "completed"]):
        created = {"status": status, "created_at": NOON + timedelta(hours=number), "input": {}}
        path = f"users/{owner.uid}/generations/g{number}"
        assert server.create(path, created).is_success
    assert ids(firestore_as(owner).query(f"users/{owner.uid}", HISTORY)) == ["g2", "g0"]
    answer = firestore_as(somebody()).query(f"users/{owner.uid}", HISTORY)
    assert answer.status_code == httpx.codes.FORBIDDEN


def test_the_history_s_query_has_its_composite_index() -> None:
    """The emulator answers without one; production refuses."""
    indexes = json.loads((REPOSITORY / "firestore.indexes.json").read_text("utf-8"))["indexes"]
    assert {
        "collectionGroup": "generations",
        "queryScope": "COLLECTION",
        "fields": [
            {"fieldPath": "status", "order": "ASCENDING"},
            {"fieldPath": "created_at", "order": "DESCENDING"},
        ],
    } in indexes
