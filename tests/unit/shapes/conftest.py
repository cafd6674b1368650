"""Tests of the embedded model's training."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Parts this small are no faster on two, and wait for each other where cores are shared.

    Of a session: a fixture of a module that trains comes before any of a test.
    """
    torch.set_num_threads(1)
