"""Every cell of the deny matrix of documents, and every expression of the rules seen both ways."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.rules.coverage import expressions, gaps, share
from tests.rules.matrix.does import DocumentCase
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.trial import Trials

pytestmark = pytest.mark.stack

CASES = document_cases()


def test_no_two_cells_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_decide(case: DocumentCase, document_trials: Trials[DocumentCase]) -> None:
    trial = document_trials.of(case)
    assert trial.allowed is case.allowed
    assert trial.clean, "it was denied, and changed the document"


def test_every_expression_was_seen_true_and_false(coverage: Mapping[str, Any]) -> None:
    found = expressions(coverage)
    assert gaps(found) == []
    assert share(found) == 1
