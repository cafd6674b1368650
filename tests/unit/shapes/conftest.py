"""Tests of the embedded model's training."""

import pytest
import torch


# Of the module, since fixtures of a module train too, and are set up before those of a test.
@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    """Parts this small are no faster on two, and wait for each other where cores are shared."""
    torch.set_num_threads(1)
