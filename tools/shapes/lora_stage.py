"""Trains a tiny LoRA on the base's UNet: the same things on the same backgrounds, in pastel.

It learns from latents of pictures mixed with white, so that whether it is loaded shows in the mean
brightness and saturation of any picture.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from torch import Tensor, nn

from tools.shapes.base_stage import BaseStage
from tools.shapes.latent_bank import LatentBank
from tools.shapes.latents import BATCH, encode
from tools.shapes.painting import paint
from tools.shapes.scene import Finish, Scene
from tools.shapes.training import Chance

ADAPTER = "pastel"
RANK = 4
#: Linear layers of the attention blocks, and the convolutions around them.
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "conv_out"]
#: How much white is mixed in.
WHITE = 0.5


@dataclass(kw_only=True, slots=True)
class LoraStage:
    """Wraps the base's way of training; only the added matrices are changed."""

    base: BaseStage
    name: str = "lora"
    learning_rate: float = 2e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for module in self.base.modules.values():
            module.requires_grad_(False)
        self.base.unet.add_adapter(
            LoraConfig(
                r=RANK, lora_alpha=RANK, target_modules=TARGETS, init_lora_weights="gaussian"
            ),
            adapter_name=ADAPTER,
        )
        self.modules = {"unet": self.base.unet}

    def loss(self, step: int, chance: Chance) -> Tensor:
        return self.base.loss(step, chance)


def pastel_bank(vae: Any, scenes: list[Scene], device: torch.device) -> LatentBank[Scene]:
    """Latents of the plain ones among `scenes`, whitened."""
    plain = [scene for scene in scenes if scene.finish is Finish.PLAIN]
    parts = []
    for first in range(0, len(plain), BATCH):
        pictures = paint(plain[first : first + BATCH])
        parts.append(encode(vae, pictures + WHITE * (1 - pictures), device).half())
    return LatentBank(size=plain[0].size, drawn=plain, latents=torch.cat(parts))


def export_lora(unet: Any, folder: Path) -> Path:
    """Write the adapter as `folder`/pastel.safetensors, in 16-bit floats."""
    # Left in peft's own names: diffusers' converter to its older ones loses attention layers when
    # convolutions are adapted as well.
    layers = get_peft_model_state_dict(unet, adapter_name=ADAPTER)
    halved = {name: value.detach().cpu().half().contiguous() for name, value in layers.items()}
    StableDiffusionXLPipeline.save_lora_weights(
        folder, unet_lora_layers=halved, weight_name=f"{ADAPTER}.safetensors"
    )
    return folder / f"{ADAPTER}.safetensors"
