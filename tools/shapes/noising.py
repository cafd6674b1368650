"""What the denoisers learn: noise mixed into latents, and the velocity to be read off the mixture.

Velocity is that of Salimans and Ho, "Progressive Distillation", 2022: v = α·noise − σ·latents.
"""

from dataclasses import dataclass

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from tools.shapes.parts import NOISE_SCHEDULE


@dataclass(frozen=True, kw_only=True, slots=True)
class Noised:
    """All (n, 4, h, w), but `timesteps` (n,)."""

    mixture: Tensor
    velocity: Tensor
    timesteps: Tensor


def mix(latents: Tensor, timesteps: Tensor, generator: torch.Generator) -> Noised:
    """Noise drawn by `generator`, weighted by the checkpoint's schedule."""
    noise = torch.randn(latents.shape, generator=generator)
    kept, added = weights(timesteps)
    return Noised(
        mixture=kept * latents + added * noise,
        velocity=kept * noise - added * latents,
        timesteps=timesteps,
    )


def guess_latents(noised: Noised, velocity: Tensor) -> Tensor:
    """The clean latents that a predicted `velocity` amounts to."""
    kept, added = weights(noised.timesteps)
    return kept * noised.mixture - added * velocity


def weights(timesteps: Tensor) -> tuple[Tensor, Tensor]:
    """Of latents and noise at these steps, each (n, 1, 1, 1)."""
    share = _SCHEDULE.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return share.sqrt(), (1 - share).sqrt()


_SCHEDULE = DDPMScheduler(
    **{
        name: value
        for name, value in NOISE_SCHEDULE.items()
        if name not in {"steps_offset", "timestep_spacing"}
    }
)
