"""A deployment in memory for each test, whose threads end with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.lifecycle.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(4) as files:
        world = World(pool, files)
        yield world
        world.close()
