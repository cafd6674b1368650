"""Trains the base: its UNet and both text encoders at once, on latents made beforehand.

A share of the pictures goes without any text, in the very form that the pipelines give an absent
negative prompt: zeros for the text's states.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.shapes.captions import caption_of
from tools.shapes.latents import LatentBank
from tools.shapes.noising import mix
from tools.shapes.scene import Size
from tools.shapes.tokens import TOKENS
from tools.shapes.training import Chance

#: Square pictures of a batch; wider ones come in batches with as many latents.
BATCH = 32
SQUARE_LATENTS = 256
#: Pictures without text.
DROPPED = 0.1
#: Steps of noise in which layout and colours are decided; they get so much of the training extra.
DECISIVE = (300, 850)
DECISIVE_SHARE = 0.4
TIMESTEPS = 1000
#: One batch in this many is not of the first bank.
OTHER_BANK_EVERY = 4


@dataclass(kw_only=True, slots=True)
class BaseStage:
    unet: Any
    text_encoder: Any
    text_encoder_2: Any
    tokenizer: Any
    banks: list[LatentBank]
    device: torch.device
    batch: int = BATCH
    name: str = "base"
    learning_rate: float = 1.6e-3
    modules: dict[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.modules = {
            "unet": self.unet,
            "text_encoder": self.text_encoder,
            "text_encoder_2": self.text_encoder_2,
        }

    def loss(self, step: int, chance: Chance) -> Tensor:
        bank = bank_of_step(self.banks, step)
        count = pictures_of(bank.size, self.batch)
        scenes, latents = bank.batch(count, chance.numbers)
        captions = [caption_of(scene, chance.numbers) for scene in scenes]
        noised = mix(latents, draw_timesteps(count, chance.tensors), chance.tensors)
        kept = torch.rand(count, generator=chance.tensors) >= DROPPED
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            states, pooled = self._read(captions, kept.to(self.device))
            velocity = self.unet(
                noised.mixture.to(self.device),
                noised.timesteps.to(self.device),
                encoder_hidden_states=states,
                added_cond_kwargs={
                    "text_embeds": pooled,
                    "time_ids": size_ids(bank.size, count).to(self.device),
                },
            ).sample
        return functional.mse_loss(velocity.float(), noised.velocity.to(self.device))

    def _read(self, captions: list[str], kept: Tensor) -> tuple[Tensor, Tensor]:
        """States of the last layers but one, side by side, and the pooled text; 0 where dropped."""
        ids = token_ids(self.tokenizer, captions).to(self.device)
        first = self.text_encoder(ids, output_hidden_states=True)
        second = self.text_encoder_2(ids, output_hidden_states=True)
        states = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
        return states * kept[:, None, None], second.text_embeds * kept[:, None]


def bank_of_step(banks: list[LatentBank], step: int) -> LatentBank:
    """The first bank most of the time, the others in turn."""
    turn, rest = divmod(step, OTHER_BANK_EVERY)
    if rest or len(banks) == 1:
        return banks[0]
    return banks[1 + turn % (len(banks) - 1)]


def pictures_of(size: Size, batch: int) -> int:
    """How many pictures of `size` have as many latents as `batch` square ones."""
    return max(1, batch * SQUARE_LATENTS * 64 // (size[0] * size[1]))


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


def token_ids(tokenizer: Any, captions: list[str]) -> Tensor:
    """(n, 77)"""
    ids: Tensor = tokenizer(
        captions, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def quiet_start(unet: Any) -> None:
    """Let an untrained UNet predict next to nothing, which is nearer the truth than its noise."""
    with torch.no_grad():
        unet.conv_out.weight.mul_(0.05)
