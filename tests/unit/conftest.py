"""Unit tests start no stack: some run beside tests that ask which stacks the machine runs."""

from typing import NoReturn

import pytest


@pytest.fixture(scope="session")
def stack() -> NoReturn:
    """Refused, see `tools.side_by_side`."""
    pytest.fail("A test that needs a stack belongs elsewhere than tests/unit.")
