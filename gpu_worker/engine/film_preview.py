"""Small pictures of a film's middle while it is denoised, as `preview` makes them of pictures."""

import functools
from typing import Any

import torch

from gpu_worker.engine.preview import (
    EVERY_STEPS,
    LATENT_PIXELS,
    solve_colours,
    to_colours,
)
from gpu_worker.ports import Pixels

#: Of the film that the map is fitted to, which stands still: its last latent is one of four frames,
#: as that of a film's middle is; the first one, of a single frame, looks otherwise.
FIT_FRAMES = 5
#: Pixels a side, and of its patches of one colour each: 64 of them, four latents each.
FIT_SIDE = 128
PATCH_PIXELS = 16


class FilmPreviewer:
    """Watches a scheduler's steps: its `step` sees the model's velocity after guidance."""

    def __init__(self, vae: Any) -> None:
        self._map = fit_film_colours(vae)
        self._preview: Pixels | None = None
        self._seen = 0

    def watch(self, scheduler: Any) -> None:
        """From now on this scheduler's steps make previews."""
        step = scheduler.step
        self._seen = 0
        self._preview = None

        @functools.wraps(step)
        def watched(velocity: Any, timestep: Any, sample: Any, *args: Any, **options: Any) -> Any:
            if self._seen % EVERY_STEPS == 0:
                middle = sample.shape[2] // 2
                clean = clean_film_guess(
                    velocity[0, :, middle],
                    sample[0, :, middle],
                    float(scheduler.sigmas[self._seen]),
                )
                self._preview = to_colours(clean, self._map)
            self._seen += 1
            return step(velocity, timestep, sample, *args, **options)

        scheduler.step = watched

    def take(self) -> Pixels | None:
        """The newest preview, once."""
        preview, self._preview = self._preview, None
        return preview


def clean_film_guess(velocity: torch.Tensor, sample: torch.Tensor, sigma: float) -> torch.Tensor:
    """x₀ where x = (1 − σ) x₀ + σ noise and the velocity is noise − x₀ (Lipman et al., "Flow
    Matching for Generative Modeling")."""
    return sample - sigma * velocity


def fit_film_colours(vae: Any) -> torch.Tensor:
    """The least-squares map (channels + 1 × 3) from a latent, in the transformer's scale."""
    generator = torch.Generator("cpu").manual_seed(0)
    count = FIT_SIDE // PATCH_PIXELS
    patches = torch.rand(1, 3, count, count, generator=generator) * 2 - 1
    colours = torch.nn.functional.interpolate(patches, FIT_SIDE, mode="nearest")
    film = colours.unsqueeze(2).expand(-1, -1, FIT_FRAMES, -1, -1)
    with torch.no_grad():
        seen = vae.encode(film.to(vae.device, vae.dtype)).latent_dist.mode()
    latents = seen[0, :, -1].float().cpu()
    mean, std = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    targets = torch.nn.functional.avg_pool2d(colours, LATENT_PIXELS)[0]
    return solve_colours((latents - mean) / std, targets)
