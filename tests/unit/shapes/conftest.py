"""Tests of the embedded model's training."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Parts this small are no faster on two, and wait for each other where cores are shared."""
    torch.set_num_threads(1)
