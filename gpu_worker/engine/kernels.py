"""How the picture models' layers are laid out on a GPU: the same numbers up to rounding, sooner.

channels_last is the order in which tensor cores take convolutions; else cuDNN turns each one round.
Fused projections make queries, keys and values by one product of a wider matrix in place of three.
A LoRA changes the three and not the wide one, so that it goes on without the fusion. On a CPU
neither gains anything, and nothing is done.
"""

from typing import Any

import torch

from gpu_worker.engine.pipelines import Pipelines


class FusedProjections:
    """Of one UNet: on or off, at no cost. Its memory is that of the wide matrices, 0.5 GB of SDXL's
    in 2-byte precision."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self._plain = dict(unet.attn_processors)
        unet.fuse_qkv_projections()
        self._fused = dict(unet.attn_processors)

    def use(self, *, fused: bool) -> None:
        # diffusers takes them out of what it is given.
        self._unet.set_attn_processor(dict(self._fused if fused else self._plain))


def tune(pipelines: Pipelines) -> FusedProjections:
    """Lay out all modules of `pipelines`. What is returned is to be off while LoRAs are on."""
    base, refiner = pipelines.text2img, pipelines.refiner
    for module in (base.unet, base.vae, None if refiner is None else refiner.unet):
        if module is not None:
            module.to(memory_format=torch.channels_last)
    if refiner is not None:
        FusedProjections(refiner.unet)  # for good: it takes no LoRA
    return FusedProjections(base.unet)
