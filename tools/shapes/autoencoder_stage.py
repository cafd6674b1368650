"""Trains the autoencoder: pictures in, the same pictures out.

One picture in eight is no scene but soft coloured noise, so that photographs handed to img2img
come through in one piece too.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.shapes.autoencoding import autoencoder_loss, cut_out
from tools.shapes.painting import paint
from tools.shapes.sampling import draw_scene
from tools.shapes.scene import Size
from tools.shapes.training import Chance

#: Square pictures three times of four; the shapes are those of the buckets.
SIZES: tuple[Size, ...] = ((128, 128), (128, 128), (192, 128), (128, 128), (128, 128), (128, 192))
BATCH = 8
#: Steps see squares cut out of the pictures, which gives four steps for the time of one; one step
#: in so many sees whole pictures, as group normalisation takes its statistics over all of them.
CUT_PIXELS = 64
WHOLE_EVERY = 6
#: Of a batch, how many are noise.
NOISE_PICTURES = 1
#: Grids that soft noise is blown up from, with the strength of each.
NOISE_GRIDS = ((4, 0.9), (8, 0.6), (16, 0.4), (32, 0.25))
#: Keeps latents near a normal distribution without blurring pictures.
KL_WEIGHT = 1e-4


@dataclass(kw_only=True, slots=True)
class AutoencoderStage:
    vae: Any
    device: torch.device
    sizes: tuple[Size, ...] = SIZES
    batch: int = BATCH
    cut: int = CUT_PIXELS
    name: str = "autoencoder"
    learning_rate: float = 1.6e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modules = {"vae": self.vae}

    def loss(self, step: int, chance: Chance) -> Tensor:
        size = self.sizes[step % len(self.sizes)]
        pictures = training_pictures(size, self.batch, chance)
        if step % WHOLE_EVERY:
            pictures = cut_out(pictures, self.cut, chance)
        return autoencoder_loss(
            self.vae, pictures.to(self.device), chance, divergence_weight=KL_WEIGHT
        )


def training_pictures(size: Size, count: int, chance: Chance) -> Tensor:
    """(count, 3, height, width): scenes, and some soft noise."""
    scenes = [draw_scene(chance.numbers, size) for _ in range(count - NOISE_PICTURES)]
    return torch.cat([paint(scenes, chance.tensors), _soft_noise(size, chance)])


def _soft_noise(size: Size, chance: Chance) -> Tensor:
    width, height = size
    picture = torch.zeros(NOISE_PICTURES, 3, height, width)
    for points, strength in NOISE_GRIDS:
        coarse = torch.randn(NOISE_PICTURES, 3, points, points, generator=chance.tensors)
        picture += strength * functional.interpolate(
            coarse, size=(height, width), mode="bicubic", align_corners=False
        )
    return picture.clamp(-1, 1)
