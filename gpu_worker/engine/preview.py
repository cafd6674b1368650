"""Small pictures of what a job is about to become, without a decoder.

At each step the model's guess at the clean latents follows from its output and the noise level; and
latents become colours by a linear map, fitted once to the model's own VAE.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from gpu_worker.engine.latent_colours import colour_patches, fit_map
from gpu_worker.engine.step_watch import StepWatch
from gpu_worker.ports import Pixels

#: Pixels a side of the picture that the map is fitted to, and of its patches of one colour each.
FIT_SIDE = 256
PATCH_PIXELS = 32


class Previewer:
    """Previews of some rows of a batch: of each job's first picture."""

    def __init__(self, pipeline: Any) -> None:
        self._steps = StepWatch(fit_colours(pipeline.vae))

    def watch(self, scheduler: Any, rows: Callable[[], Sequence[int]] = lambda: (0,)) -> None:
        """From now on this scheduler's steps make previews of what are its `rows` at each."""
        # Some schedulers' latents grow with the noise (σ) in place of losing the picture.
        variance_exploding = float(scheduler.init_noise_sigma) != 1.0
        kept = scheduler.alphas_cumprod.float().cpu().numpy()

        known_steps = np.arange(len(kept))
        predicts_velocity = scheduler.config.prediction_type == "v_prediction"

        def guess(
            output: torch.Tensor, timestep: Any, sample: torch.Tensor, _: int
        ) -> Sequence[torch.Tensor]:
            seen = list(rows())
            return clean_guess(
                output[seen],
                sample[seen],
                kept=float(np.interp(float(timestep), known_steps, kept)),
                predicts_velocity=predicts_velocity,
                variance_exploding=variance_exploding,
            ).unbind()

        self._steps.begin(scheduler, guess)

    def in_each_step(self, work: Callable[[], None]) -> None:
        """As `StepWatch.in_each_step`."""
        self._steps.in_each_step(work)

    def take(self) -> tuple[Pixels, ...]:
        """The newest ones, in the order of the rows, once."""
        return self._steps.take()


def clean_guess(
    output: torch.Tensor,
    sample: torch.Tensor,
    *,
    kept: float,
    predicts_velocity: bool,
    variance_exploding: bool,
) -> torch.Tensor:
    """x₀ from the model's output where the share `kept` (ᾱ) of the picture's variance is left; both
    parametrisations, ε and v (Salimans & Ho)."""
    signal, noise = kept**0.5, (1 - kept) ** 0.5
    if variance_exploding:
        sample = sample * signal
    clean: torch.Tensor = (sample - noise * output) / signal
    if predicts_velocity:
        clean = signal * sample - noise * output
    return clean


def fit_colours(vae: Any) -> torch.Tensor:
    """The least-squares map (5 × 3) from a latent, in the UNet's scale, and 1 to RGB (−1 … 1)."""
    colours = colour_patches(FIT_SIDE, PATCH_PIXELS)
    with torch.no_grad():
        seen = vae.encode(colours.to(vae.device, vae.dtype)).latent_dist.mode()
    latents = seen.float().cpu()[0] * float(vae.config.scaling_factor)
    return fit_map(latents, colours)
