"""A film's preview: the middle of the film as the latents of a step let it be guessed."""

from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine.film_preview import FilmPreviewer, clean_film_guess
from gpu_worker.engine.latent_colours import PREVIEW_SIDE


@pytest.mark.parametrize("sigma", [0.1, 0.5, 0.95])
def test_the_guess_at_the_clean_latents_is_right_where_the_velocity_is(sigma: float) -> None:
    clean, noise = torch.randn(2, 16, 4, 4)
    noisy = (1 - sigma) * clean + sigma * noise
    assert torch.allclose(clean_film_guess(noise - clean, noisy, sigma), clean, atol=1e-5)


def test_previews_show_the_middle_of_the_film_by_the_levels_of_its_steps(pipeline: Any) -> None:
    previewer = FilmPreviewer(pipeline.vae)
    scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(6)
    scheduler.set_begin_index(0)
    previewer.watch(scheduler)
    middle = torch.randn(16, 90, 160)
    clean = torch.randn(1, 16, 5, 90, 160)
    clean[0, :, 2] = middle
    noise = torch.randn_like(clean)
    previews = []
    for index, timestep in enumerate(scheduler.timesteps):
        sigma = float(scheduler.sigmas[index])
        scheduler.step(noise - clean, timestep, (1 - sigma) * clean + sigma * noise)
        previews.append(previewer.take())
    shown = [index for index, preview in enumerate(previews) if preview is not None]
    assert shown == [0, 4]
    first, second = previews[0], previews[4]
    assert first is not None
    assert second is not None
    assert max(first.shape[:2]) <= PREVIEW_SIDE
    assert np.abs(first.astype(int) - second).max() <= 1, "the same film, at another noise level"
