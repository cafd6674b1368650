"""Every cell of the deny matrix of files.

The Storage emulator has no coverage report; what its rules' tests leave out, the mutants show.
"""

import pytest

from tests.rules.matrix.storage_cases import FileCase, file_cases
from tests.rules.matrix.trial import Trials

pytestmark = pytest.mark.stack

CASES = file_cases()


def test_no_two_cells_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_decide(case: FileCase, file_trials: Trials[FileCase]) -> None:
    trial = file_trials.of(case)
    assert trial.allowed is case.allowed
    assert trial.clean, "it was denied, and changed the file"
