"""One engine process for all tests that do not end it."""

from collections.abc import Iterator

import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from tests.unit.engine.jobs import PATIENCE_SECONDS


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[EngineProcess]:
    process = EngineProcess("shapes")
    process.start()
    yield process
    process.close()


@pytest.fixture
def engine(shared_engine: EngineProcess) -> EngineProcess:
    shared_engine.wait_ready(PATIENCE_SECONDS)
    return shared_engine
