"""One engine process a model for all tests that do not end it for good.

Fixtures of a session start on first use and stay: a test in any file may ask for any of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import NO_MODEL
from gpu_worker.ports import Mask, Pixels
from tests.unit.engine.film_models import build_film_model
from tests.unit.engine.jobs import PATIENCE_SECONDS, run
from tests.unit.engine.lora_files import build_loras
from tests.unit.engine.published import PublishedLibraries
from tests.unit.engine.refiners import add_random_refiner, add_twin, copy_base


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = copy_base(tmp_path_factory.mktemp("base") / "model")
    process = EngineProcess("shapes", model_dir=folder)
    process.start()
    yield process
    process.close()


@pytest.fixture
def engine(shared_engine: EngineProcess) -> EngineProcess:
    """The embedded model without its refiner."""
    shared_engine.wait_ready(PATIENCE_SECONDS)
    return shared_engine


@pytest.fixture(scope="session")
def image(shared_engine: EngineProcess) -> Pixels:
    """A red circle on blue, 128 × 128, as the model itself draws it."""
    return run(shared_engine, 7).pictures[0].pixels


@pytest.fixture
def mask() -> Mask:
    """The middle quarter."""
    mask = np.zeros((128, 128), np.uint8)
    mask[32:96, 32:96] = 255
    return mask


@pytest.fixture(scope="session")
def published() -> Iterator[PublishedLibraries]:
    """A process for scripts that build files with diffusers, or draw with its own pipelines."""
    with PublishedLibraries() as libraries:
        yield libraries


@pytest.fixture(scope="session")
def twin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model's checkpoint, with itself as its refiner. Not to be changed."""
    return add_twin(tmp_path_factory.mktemp("twin") / "model")


@pytest.fixture(scope="module")
def twin(twin_folder: Path) -> Iterator[EngineProcess]:
    """The model of `twin_folder`."""
    yield from _ready(EngineProcess("shapes", model_dir=twin_folder))


@pytest.fixture(scope="session")
def refined_folder(tmp_path_factory: pytest.TempPathFactory, published: PublishedLibraries) -> Path:
    """The embedded model's checkpoint, with an untrained refiner of SDXL's kind. Not to change."""
    return add_random_refiner(tmp_path_factory.mktemp("refined") / "model", published)


@pytest.fixture(scope="session")
def refined(refined_folder: Path) -> Iterator[EngineProcess]:
    """The model of `refined_folder`."""
    yield from _ready(EngineProcess("shapes", model_dir=refined_folder))


@pytest.fixture(scope="session")
def film_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained checkpoint of a film model; see `film_models`."""
    return build_film_model(tmp_path_factory.mktemp("film") / "model")


@pytest.fixture(scope="session")
def film_engine(film_model: Path) -> Iterator[EngineProcess]:
    """That model as it stands in for the embedded one, and no model for pictures."""
    yield from _ready(EngineProcess(NO_MODEL, film_model="shapes-film", film_model_dir=film_model))


@pytest.fixture(scope="session")
def lora_folder(tmp_path_factory: pytest.TempPathFactory, published: PublishedLibraries) -> Path:
    """The files of `lora_files`. Tests that spoil one copy it first."""
    return build_loras(tmp_path_factory.mktemp("loras"), published)


def _ready(process: EngineProcess) -> Iterator[EngineProcess]:
    process.start()
    process.wait_ready(PATIENCE_SECONDS)
    yield process
    process.close()
