"""Noise and velocity agree with diffusers' own scheduler, and leave nothing of the picture."""

import pytest
import torch

from tools.shapes.noising import guess_latents, mix, weights
from tools.shapes.parts import build_scheduler

# diffusers' Euler scheduler hands torch tensors to numpy in a way that numpy 2 is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_true_velocity_leads_back_to_the_latents() -> None:
    latents = torch.randn(6, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    timesteps = torch.tensor([0, 50, 200, 400, 600, 800])
    noised = mix(latents, timesteps, torch.Generator().manual_seed(1))
    assert torch.allclose(guess_latents(noised, noised.velocity), latents, atol=1e-4)


def test_the_weights_are_those_of_the_checkpoints_scheduler() -> None:
    scheduler = build_scheduler()
    kept, added = weights(torch.arange(1000))
    assert torch.allclose(kept.flatten() ** 2, scheduler.alphas_cumprod)
    assert torch.allclose(kept**2 + added**2, torch.ones_like(kept))


def test_where_drawing_starts_a_mean_of_256_latents_is_lost_in_the_noise() -> None:
    scheduler = build_scheduler()
    scheduler.set_timesteps(20)
    first = int(scheduler.timesteps[0])
    kept, added = weights(torch.tensor([first]))
    assert float(kept / added) * 256**0.5 < 0.15
