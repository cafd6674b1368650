"""Trains the decoder alone on latents that are a little off, as the transformer's are.

The encoder stays as it is, so that what the transformer has learned of latents stays true.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.autoencoding import picture_loss
from tools.shapes.latent_bank import LatentBank
from tools.shapes.training import Chance
from tools.shapes_video.clip import Clip
from tools.shapes_video.painting import paint_clips
from tools.shapes_video.parts import TIME_SCALE

DECODER_STAGE = "decoder"
#: Films of a step, and how many of their latents: the decoder knows nothing of later ones.
BATCH, LATENTS = 1, 4
#: Of the noise on the latents, in deviations of each channel, at most.
MOST_NOISE = 0.15


@dataclass(kw_only=True, slots=True)
class VideoDecoderStage:
    vae: Any
    banks: list[LatentBank[Clip]]
    device: torch.device
    batch: int = BATCH
    name: str = DECODER_STAGE
    learning_rate: float = 8e-4
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vae.encoder.requires_grad_(False)
        self.vae.quant_conv.requires_grad_(False)
        self.modules = {"vae": self.vae}

    def loss(self, step: int, chance: Chance) -> Tensor:
        bank = self.banks[step % len(self.banks)]
        clips, latents = bank.batch(self.batch, chance.numbers)
        latents = latents[:, :, :LATENTS]
        deviations = torch.tensor(self.vae.config.latents_std).view(1, -1, 1, 1, 1)
        noise = torch.randn(latents.shape, generator=chance.tensors)
        noise *= deviations * MOST_NOISE * torch.rand(1, generator=chance.tensors)
        painted = paint_clips(clips, count=1 + TIME_SCALE * (LATENTS - 1)).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            redrawn = self.vae.decode((latents + noise).to(self.device)).sample
        return picture_loss(redrawn.float(), painted)
