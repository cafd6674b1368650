"""Small pictures of a film's middle while it is denoised, as `preview` makes them of pictures."""

from typing import Any

import torch

from gpu_worker.engine.latent_colours import colour_patches, fit_map
from gpu_worker.engine.step_watch import StepWatch
from gpu_worker.ports import Pixels

#: Of the film that the map is fitted to, which stands still: its last latent is one of four frames,
#: as that of a film's middle is; the first one, of a single frame, looks otherwise.
FIT_FRAMES = 5
#: Pixels a side, and of its patches of one colour each: 64 of them, four latents each.
FIT_SIDE = 128
PATCH_PIXELS = 16


class FilmPreviewer:
    """Previews of the middle of the one film."""

    def __init__(self, vae: Any) -> None:
        self._steps = StepWatch(fit_film_colours(vae))

    def watch(self, scheduler: Any) -> None:
        """From now on this scheduler's steps make previews."""

        def guess(
            velocity: torch.Tensor, _: Any, sample: torch.Tensor, step: int
        ) -> list[torch.Tensor]:
            middle = sample.shape[2] // 2
            sigma = float(scheduler.sigmas[step])
            return [clean_film_guess(velocity[0, :, middle], sample[0, :, middle], sigma)]

        self._steps.begin(scheduler, guess)

    def take(self) -> Pixels | None:
        """The newest preview, once."""
        (preview,) = self._steps.take() or (None,)
        return preview


def clean_film_guess(velocity: torch.Tensor, sample: torch.Tensor, sigma: float) -> torch.Tensor:
    """x₀ where x = (1 − σ) x₀ + σ noise and the velocity is noise − x₀ (Lipman et al., "Flow
    Matching for Generative Modeling")."""
    return sample - sigma * velocity


def fit_film_colours(vae: Any) -> torch.Tensor:
    """The least-squares map (channels + 1 × 3) from a latent, in the transformer's scale."""
    colours = colour_patches(FIT_SIDE, PATCH_PIXELS)
    film = colours.unsqueeze(2).expand(-1, -1, FIT_FRAMES, -1, -1)
    with torch.no_grad():
        seen = vae.encode(film.to(vae.device, vae.dtype)).latent_dist.mode()
    latents = seen[0, :, -1].float().cpu()
    mean, std = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return fit_map((latents - mean) / std, colours)
