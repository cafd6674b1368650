"""How the picture models' layers are laid out on a GPU: the same numbers up to rounding, sooner.

channels_last is the order in which tensor cores take convolutions; else cuDNN turns each one round.
Fused projections make queries, keys and values by one product of a wider matrix in place of three.
A LoRA changes the three and not the wide one, so that it goes on without the fusion. Only where a
picture looks at itself: of a text, 77 tokens, there is next to nothing to multiply, and its wide
matrices would take as much memory again. On a CPU neither gains anything, and nothing is done.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, FusedAttnProcessor2_0

from gpu_worker.engine.pipelines import Pipelines


class FusedProjections:
    """Of one UNet: on or off, at no cost. Its memory is that of the wide matrices, which
    `PictureWeights.fused` counts."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self._plain = dict(unet.attn_processors)
        self._fused = self._plain | fuse(unet)
        self.use(fused=True)

    def use(self, *, fused: bool) -> None:
        # diffusers takes them out of what it is given.
        self._unet.set_attn_processor(dict(self._fused if fused else self._plain))


def fuse(unet: Any, *, for_good: bool = False) -> dict[str, Any]:
    """Give its self-attention layers their wide matrices; the processors that use them, by name.
    `for_good`: what these were made of is given back, layer by layer."""
    make_processor: Any = FusedAttnProcessor2_0  # untyped
    processors = {}
    for name, layer in _self_attention(unet):
        layer.fuse_projections()
        processors[f"{name}.processor"] = make_processor()
        if for_good:
            del layer.to_q, layer.to_k, layer.to_v
    return processors


def _self_attention(unet: Any) -> list[tuple[str, Any]]:
    return [
        (name, it)
        for name, it in unet.named_modules()
        if isinstance(it, Attention) and not it.is_cross_attention
    ]


def tune(pipelines: Pipelines) -> FusedProjections:
    """Lay out all modules of `pipelines`. What is returned is to be off while LoRAs are on."""
    base, refiner = pipelines.text2img, pipelines.refiner
    for module in (base.unet, base.vae, None if refiner is None else refiner.unet):
        if module is not None:
            module.to(memory_format=torch.channels_last)
    if refiner is not None:
        # It takes no LoRA.
        fused = fuse(refiner.unet, for_good=True)
        refiner.unet.set_attn_processor(dict(refiner.unet.attn_processors) | fused)
    return FusedProjections(base.unet)
