"""Small pictures of what a job is about to become, without a decoder.

At each step the model's guess at the clean latents follows from its output and the noise level; and
latents become colours by a linear map, fitted once to the model's own VAE on patches of colour. One
pixel a latent, at most PREVIEW_SIDE a side: some microseconds of work, one copy off the device.
"""

import functools
from typing import Any

import numpy as np
import torch
from PIL import Image

from gpu_worker.ports import Pixels

#: A preview is made after every so many evaluations, and after the first.
EVERY_STEPS = 4
#: Pixels; what is larger is scaled down.
PREVIEW_SIDE = 128
#: Pixels a side of the picture that the map is fitted to, and of its patches of one colour each.
FIT_SIDE = 256
PATCH_PIXELS = 32
LATENT_PIXELS = 8


class Previewer:
    """Watches a scheduler's steps: its `step` sees the model's output after guidance."""

    def __init__(self, pipeline: Any) -> None:
        self._map = fit_colours(pipeline.vae)
        self._preview: Pixels | None = None
        self._seen = 0

    def watch(self, scheduler: Any) -> None:
        """From now on this scheduler's steps make previews."""
        step = scheduler.step
        self._seen = 0
        self._preview = None
        # Some schedulers' latents grow with the noise (σ) in place of losing the picture.
        variance_exploding = float(scheduler.init_noise_sigma) != 1.0

        # Pipelines look at its signature, which `wraps` keeps.
        @functools.wraps(step)
        def watched(output: Any, timestep: Any, sample: Any, *args: Any, **options: Any) -> Any:
            if self._seen % EVERY_STEPS == 0:
                clean = clean_guess(
                    scheduler,
                    output[:1],
                    float(timestep),
                    sample[:1],
                    variance_exploding=variance_exploding,
                )
                self._preview = to_colours(clean[0], self._map)
            self._seen += 1
            return step(output, timestep, sample, *args, **options)

        scheduler.step = watched

    def take(self) -> Pixels | None:
        """The newest preview, once."""
        preview, self._preview = self._preview, None
        return preview


def clean_guess(
    scheduler: Any,
    output: torch.Tensor,
    timestep: float,
    sample: torch.Tensor,
    *,
    variance_exploding: bool,
) -> torch.Tensor:
    """x₀ from the model's output at `timestep`; both parametrisations, ε and v (Salimans & Ho)."""
    products = scheduler.alphas_cumprod
    kept = float(np.interp(timestep, np.arange(len(products)), products.float().cpu().numpy()))
    signal, noise = kept**0.5, (1 - kept) ** 0.5
    if variance_exploding:
        sample = sample * signal
    clean: torch.Tensor = (sample - noise * output) / signal
    if scheduler.config.prediction_type == "v_prediction":
        clean = signal * sample - noise * output
    return clean


def fit_colours(vae: Any) -> torch.Tensor:
    """The least-squares map (5 × 3) from a latent, in the UNet's scale, and 1 to RGB (−1 … 1)."""
    generator = torch.Generator("cpu").manual_seed(0)
    count = FIT_SIDE // PATCH_PIXELS
    # Evenly spread: with more of the extremes, which a VAE bends, the middle would be off.
    patches = torch.rand(1, 3, count, count, generator=generator) * 2 - 1
    colours = torch.nn.functional.interpolate(patches, FIT_SIDE, mode="nearest")
    with torch.no_grad():
        seen = vae.encode(colours.to(vae.device, vae.dtype)).latent_dist.mode()
    latents = seen.float().cpu()[0] * float(vae.config.scaling_factor)
    targets = torch.nn.functional.avg_pool2d(colours, LATENT_PIXELS)[0]
    return solve_colours(latents, targets)


def solve_colours(latents: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """The least-squares map from latents (channels × h × w) and 1 to `colours` (3 × h × w)."""
    solution: torch.Tensor = torch.linalg.lstsq(
        _with_one(latents.flatten(1).T), colours.flatten(1).T
    ).solution
    return solution


def to_colours(latents: torch.Tensor, colour_map: torch.Tensor) -> Pixels:
    """A small picture of latents (channels × h × w), at most PREVIEW_SIDE a side."""
    channels, height, width = latents.shape
    rows = latents.detach().float().cpu().reshape(channels, height * width).T
    colours = ((_with_one(rows) @ colour_map + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
    image = Image.fromarray(colours.reshape(height, width, 3).numpy())
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _with_one(rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
