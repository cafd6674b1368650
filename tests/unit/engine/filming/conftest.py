"""The stages of a film in this process, over the tiny untrained checkpoint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpu_worker.engine.device import choose_device
from gpu_worker.engine.film_loading import FilmPipelines, load
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.specs import FolderSource
from tests.unit.engine.filming.small_films import ANY_SIZE


@pytest.fixture(scope="session")
def pipelines(film_model: Path) -> FilmPipelines:
    torch.set_num_threads(1)
    return load(FolderSource(folder=film_model), choose_device(), streams_text_encoder=False)


@pytest.fixture(scope="session")
def pipeline(pipelines: FilmPipelines) -> Any:
    return pipelines.filming


@pytest.fixture
def filming(pipelines: FilmPipelines) -> Filming:
    return Filming(ANY_SIZE, pipelines, choose_device())


@pytest.fixture(autouse=True)
def _scheduler_of_the_checkpoint(pipeline: Any) -> Iterator[None]:
    """Jobs leave their own behind."""
    scheduler = pipeline.scheduler
    yield
    pipeline.scheduler = scheduler
