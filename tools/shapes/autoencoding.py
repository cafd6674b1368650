"""What an autoencoder is trained by, of pictures or of clips: all that goes in is to come out.

Edges weigh extra. What it is shown may be squares cut out of the pictures, which takes less time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tools.shapes.training import Chance

SQUARE_WEIGHT = 0.5
EDGE_WEIGHT = 0.8


def autoencoder_loss(
    vae: Any, pictures: Tensor, chance: Chance, *, divergence_weight: float
) -> Tensor:
    """`pictures` (n, 3, …), in −1…1 and on the device, against what `vae` makes of their latents.

    `divergence_weight` is that of how far those are from a normal distribution.
    """
    device = pictures.device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        posterior = vae.encode(pictures).latent_dist
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        noise = torch.randn(mean.shape, generator=chance.tensors).to(device)
        redrawn = vae.decode(mean + noise * torch.exp(0.5 * log_variance)).sample
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
    loss: Tensor = picture_loss(redrawn.float(), pictures) + divergence_weight * divergence
    return loss


def picture_loss(redrawn: Tensor, pictures: Tensor) -> Tensor:
    """Difference of two batches of pictures in values and in their steps from pixel to pixel."""
    values = functional.l1_loss(redrawn, pictures)
    squares = functional.mse_loss(redrawn, pictures)
    across, down = (
        functional.l1_loss(redrawn.diff(dim=axis), pictures.diff(dim=axis)) for axis in (-1, -2)
    )
    loss: Tensor = values + SQUARE_WEIGHT * squares + EDGE_WEIGHT * (across + down)
    return loss


def cut_out(pictures: Tensor, side: int, chance: Chance) -> Tensor:
    """The same square of `side` pixels, or what there is, of all of (…, height, width)."""
    height, width = pictures.shape[-2:]
    top = chance.numbers.randint(0, max(0, height - side))
    left = chance.numbers.randint(0, max(0, width - side))
    return pictures[..., top : top + side, left : left + side]
