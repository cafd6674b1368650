"""How a film's prompt is read: mended first, by a text encoder that need not be in memory whole."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpu_worker.engine import film_stages
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.film_loading import FilmPipelines, load
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.specs import FolderSource
from tests.unit.engine.filming.small_films import ANY_SIZE, job_for, shoot, wish


def test_a_text_encoder_that_passes_layer_by_layer_reads_the_same(
    pipelines: FilmPipelines, film_model: Path
) -> None:
    device = choose_device()
    streamed = load(FolderSource(folder=film_model), device, streams_text_encoder=True)
    assert streamed.filming.text_encoder is None
    encoder = streamed.reading.text_encoder
    assert {it.device.type for it in encoder.parameters()} == {"meta"}
    request = wish(negative_prompt="blue")
    with torch.no_grad():
        once, again, resident = (
            film_stages.encode(it, request, device.torch_device)
            for it in (streamed.reading, streamed.reading, pipelines.reading)
        )
    for other in (again, resident):
        assert torch.equal(once.prompt, other.prompt)
        assert once.negative_prompt is not None
        assert other.negative_prompt is not None
        assert torch.equal(once.negative_prompt, other.negative_prompt)
    film = shoot(Filming(ANY_SIZE, streamed, device), job_for())
    assert np.array_equal(film, shoot(Filming(ANY_SIZE, pipelines, device), job_for()))


def test_broken_letters_of_a_prompt_are_mended_before_they_are_read(pipeline: Any) -> None:
    """By ftfy, which diffusers leaves out in silence where it is not installed."""
    broken, right = (
        film_stages.encode(pipeline, wish(prompt=prompt), torch.device("cpu"))
        for prompt in ("a rÃ©d circle", "a réd circle")
    )
    assert torch.equal(broken.prompt, right.prompt)
