"""What the denoisers learn: noise mixed into latents, and the velocity to be read off the mixture.

Velocity is that of Salimans and Ho, "Progressive Distillation", 2022: v = α·noise − σ·latents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    share = _schedule[0].alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return share.sqrt(), (1 - share).sqrt()


def follow(config: Mapping[str, Any]) -> None:
    """Weigh noise by the schedule of a scheduler's `config`; for all of this process."""
    _schedule[0] = _build(config)


def _build(config: Mapping[str, Any]) -> DDPMScheduler:
    names = ("beta_start", "beta_end", "beta_schedule", "num_train_timesteps", "prediction_type")
    scheduler: DDPMScheduler = DDPMScheduler(**{name: config[name] for name in names})
    return scheduler


#: The one that is followed.
_schedule = [_build(NOISE_SCHEDULE)]
