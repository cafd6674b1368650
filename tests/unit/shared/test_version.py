"""The version that workers tell of themselves is the one that is released."""

import tomllib
from pathlib import Path

from shared.version import VERSION

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_program_s_version_is_that_of_its_distribution() -> None:
    assert tomllib.loads(PYPROJECT.read_text())["project"]["version"] == VERSION
