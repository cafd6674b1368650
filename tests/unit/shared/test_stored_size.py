"""Sizes as Firestore's documentation counts them."""

from datetime import UTC, datetime

import pytest

from shared.stored_size import document_bytes, stored_bytes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        (7, 8),
        (7.5, 8),
        ("größe", 8),
        ("\ud800", 4),
        (b"abc", 3),
        ([1, "ab", None], 12),
        ({"ab": 1, "c": {"d": True}}, 11 + 2 + 3),
        (datetime(2026, 11, 1, tzinfo=UTC), 16),
    ],
)
def test_a_value_takes_what_the_documentation_says(value: object, size: int) -> None:
    assert stored_bytes(value) == size


def test_a_document_takes_its_name_its_fields_and_a_little_more() -> None:
    """The example of the documentation: 147 bytes."""
    data = {
        "type": "Personal",
        "done": False,
        "priority": 1,
        "description": "Learn Cloud Firestore",
    }
    assert document_bytes("users/jeff/tasks/my_task_id", data) == 44 + 71 + 32
