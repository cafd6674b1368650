"""Starts Wan's autoencoder as an almost identical map, as the pictures' one starts.

The main path averages pixels on the way down and repeats them on the way up; in time it takes the
newest frame. The branches beside it start small.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Conv2d, Conv3d, init

#: The random part that stays on the main path: enough to break ties between channels.
KEPT_OF_PATH = 0.3
#: What residual branches start with.
KEPT_OF_BRANCH = 0.4
#: Log-variance of the latents at the start: nearly exact values.
LOG_VARIANCE = -6.0


@torch.no_grad()
def start_near_identity(vae: Any) -> None:
    """Change an untrained AutoencoderKLWan in place; random numbers come from torch's stream."""
    for name, module in vae.named_modules():
        if not isinstance(module, Conv2d | Conv3d):
            continue
        if name.endswith("conv2"):
            module.weight.mul_(KEPT_OF_BRANCH)
        elif ".resample." in name:
            _follow_pixels(module)
        elif "time_conv" in name or name.endswith(("conv_shortcut", "conv_in", "conv_out")):
            _follow_newest(module)
        else:
            continue
        if module.bias is not None:
            module.bias.zero_()
    channels = vae.config.z_dim
    out = vae.encoder.conv_out.weight
    out[channels:].zero_()
    for conv, rows in ((vae.quant_conv, 2 * channels), (vae.post_quant_conv, channels)):
        conv.weight.zero_()
        conv.weight[:rows, :rows, 0, 0, 0] = torch.eye(rows)
        conv.bias.zero_()
    vae.quant_conv.bias[channels:] = LOG_VARIANCE


def _follow_pixels(conv: Any) -> None:
    """A Conv2d of a resampling: the mean of a block on the way down, the pixel on the way up."""
    weight = conv.weight
    weight.mul_(KEPT_OF_PATH)
    spread = _spread(weight[:, :, 0, 0])
    if conv.stride[0] > 1:
        # Padded at the right and the bottom: the first two rows and columns are the block.
        weight[:, :, :2, :2] += spread[:, :, None, None] / 4
    else:
        weight[:, :, 1, 1] += spread


def _follow_newest(conv: Any) -> None:
    """A Conv3d: the middle of the newest frame."""
    weight = conv.weight
    weight.mul_(KEPT_OF_PATH)
    middle = weight.shape[3] // 2
    out, into = weight.shape[:2]
    if out == 2 * into and weight.shape[2] > 1:  # one half of the channels a frame
        spread = torch.cat([torch.eye(into)] * 2)
    else:
        spread = _spread(weight[:, :, -1, middle, middle])
    weight[:, :, -1, middle, middle] += spread


def _spread(weight: Tensor) -> Tensor:
    """(out, in): the identity, or orthogonal rows or columns that keep the size of what goes by."""
    out, into = weight.shape
    if out == into:
        return torch.eye(out)
    spread: Tensor = init.orthogonal_(torch.empty_like(weight))
    return spread * float(max(1.0, into / out) ** 0.5)
