"""Trains the base: its UNet and both text encoders at once, on latents made beforehand."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.denoising import BATCH, MILD_GUIDANCE, draw_batch, token_ids, velocity_loss
from tools.shapes.latent_bank import LatentBank
from tools.shapes.scene import Scene, Size
from tools.shapes.training import Chance

#: Steps of noise in which layout and colours are decided; they get so much of the training extra.
DECISIVE = (300, 850)
DECISIVE_SHARE = 0.4
TIMESTEPS = 1000
#: Of the learning rate, for the text encoders.
TEXT_RATE = 0.6


@dataclass(kw_only=True, slots=True)
class BaseStage:
    unet: Any
    text_encoder: Any
    text_encoder_2: Any
    tokenizer: Any
    banks: list[LatentBank[Scene]]
    device: torch.device
    batch: int = BATCH
    #: At which the guided velocity is to be true; see `velocity_loss`.
    guidance: float = MILD_GUIDANCE
    name: str = "base"
    learning_rate: float = 1.6e-3
    modules: dict[str, nn.Module] = field(init=False)
    #: At the UNet's own rate one direction of their states outgrows all others.
    rates: dict[str, float] = field(
        default_factory=lambda: {"text_encoder": TEXT_RATE, "text_encoder_2": TEXT_RATE}
    )

    def __post_init__(self) -> None:
        self.modules = {
            "unet": self.unet,
            "text_encoder": self.text_encoder,
            "text_encoder_2": self.text_encoder_2,
        }

    def loss(self, step: int, chance: Chance) -> Tensor:
        batch = draw_batch(
            self.banks, step=step, batch=self.batch, chance=chance, draw_timesteps=draw_timesteps
        )
        ids = size_ids(batch.size, len(batch.scenes))
        return velocity_loss(
            self.unet,
            batch,
            read=self._read,
            time_ids=ids,
            device=self.device,
            guidance=self.guidance,
        )

    def _read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """States of the last layers but one, side by side, and the pooled text."""
        ids = token_ids(self.tokenizer, captions).to(self.device)
        first = self.text_encoder(ids, output_hidden_states=True)
        second = self.text_encoder_2(ids, output_hidden_states=True)
        states = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
        return states, second.text_embeds


def draw_timesteps(count: int, generator: torch.Generator) -> Tensor:
    """(count,) of 0…999, more of them where most is decided."""
    anywhere = torch.randint(0, TIMESTEPS, (count,), generator=generator)
    decisive = torch.randint(*DECISIVE, (count,), generator=generator)
    chosen = torch.rand(count, generator=generator) < DECISIVE_SHARE
    return torch.where(chosen, decisive, anywhere)


def size_ids(size: Size, count: int) -> Tensor:
    """(count, 6): original height and width, no crop, target height and width, as pipelines say."""
    width, height = size
    return torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32).repeat(
        count, 1
    )


def quiet_start(unet: Any) -> None:
    """Let an untrained UNet predict next to nothing, which is nearer the truth than its noise."""
    with torch.no_grad():
        unet.conv_out.weight.mul_(0.05)
