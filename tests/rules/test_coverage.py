"""The gate on the rules' coverage names what was never seen; of reports made by hand."""

from typing import Any

import pytest

from tests.rules.coverage import expressions, gaps, share

RULES = "allow get: if a() && b();\n"


def node(text: str, *values: Any, children: Any = ()) -> dict[str, Any]:
    start = RULES.index(text)
    place = {"line": 1, "column": start + 1, "currentOffset": start}
    return {
        "sourcePosition": {**place, "endOffset": start + len(text) - 1},
        "values": [{"value": it, "count": 1} for it in values],
        "children": list(children),
    }


def report(*nodes: Any) -> dict[str, Any]:
    return {"rules": {"files": [{"name": "firestore.rules", "content": RULES}]}, "report": nodes}


TRUE, FALSE = {"boolValue": True}, {"boolValue": False}


def test_what_was_true_and_false_has_no_gap() -> None:
    found = expressions(
        report(node("a() && b()", TRUE, FALSE, children=[node("a()", {"stringValue": "x"})]))
    )
    assert gaps(found) == []
    assert share(found) == 1


def test_a_value_that_was_never_seen_is_named_with_its_place() -> None:
    found = expressions(report(node("a() && b()", FALSE, FALSE)))
    assert gaps(found) == ["firestore.rules:1:15 `a() && b()` was never seen true."]
    assert share(found) == 0.5


def test_an_expression_that_was_never_reached_is_named() -> None:
    found = expressions(report(node("a()", TRUE, FALSE), node("b()")))
    assert gaps(found) == ["firestore.rules:1:22 `b()` was never seen to have any value."]


@pytest.mark.parametrize("value", [{}, {"undefined": {"causeMessage": "null has no data"}}])
def test_an_expression_that_was_passed_over_or_an_error_was_not_evaluated(value: Any) -> None:
    found = expressions(report(node("b()", value)))
    assert gaps(found) == ["firestore.rules:1:22 `b()` was never seen to have any value."]
