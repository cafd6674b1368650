"""Trains the film model's transformer and its text encoder at once, by flow matching.

A mixture of a share of noise and the rest of a film's latents goes in; what is learned is the way
from the film to the noise (Lipman et al., "Flow Matching for Generative Modeling", 2023). Shares
are drawn where the published schedule of Wan puts its steps.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.shapes.base_stage import TEXT_RATE
from tools.shapes.denoising import DROPPED
from tools.shapes.latent_bank import LatentBank
from tools.shapes.training import Chance
from tools.shapes_video.captions import caption_of
from tools.shapes_video.clip import Clip
from tools.shapes_video.latents import scaled
from tools.shapes_video.parts import FLOW_SHIFT, TIMESTEPS

TRANSFORMER_STAGE = "transformer"
MILD_STAGE = "mild"
BATCH = 32
#: The spread of the shares' logits before the shift.
LOGIT_SPREAD = 1.2


@dataclass(kw_only=True, slots=True)
class TransformerStage:
    transformer: Any
    text_encoder: Any
    tokenizer: Any
    vae: Any
    banks: list[LatentBank[Clip]]
    device: torch.device
    #: At which the guided flow is to be true; see `tools.shapes.denoising.velocity_loss`.
    guidance: float = 1.0
    batch: int = BATCH
    name: str = TRANSFORMER_STAGE
    learning_rate: float = 1.5e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=lambda: {"text_encoder": TEXT_RATE})

    def __post_init__(self) -> None:
        self.modules = {"transformer": self.transformer, "text_encoder": self.text_encoder}

    def loss(self, step: int, chance: Chance) -> Tensor:
        bank = self.banks[step % len(self.banks)]
        clips, latents = bank.batch(self.batch, chance.numbers)
        captions = [caption_of(clip, chance.numbers) for clip in clips]
        kept = torch.rand(self.batch, generator=chance.tensors) >= DROPPED
        given = [
            caption if keep else "" for caption, keep in zip(captions, kept.tolist(), strict=True)
        ]
        films = scaled(latents, self.vae)
        noise = torch.randn(films.shape, generator=chance.tensors)
        shares = draw_shares(self.batch, chance.tensors)
        part = shares.view(-1, 1, 1, 1, 1)
        mixture = ((1 - part) * films + part * noise).to(self.device)
        timesteps = (shares * TIMESTEPS).to(self.device)

        def flow_of(states: Tensor) -> Tensor:
            flow: Tensor = self.transformer(
                hidden_states=mixture, timestep=timesteps, encoder_hidden_states=states
            ).sample
            return flow.float()

        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            flow = flow_of(read(self.text_encoder, self.tokenizer, given, self.device))
            if self.guidance > 1.0:
                with torch.no_grad():
                    nothing = read(self.text_encoder, self.tokenizer, [""], self.device)
                    without = flow_of(nothing.expand(self.batch, -1, -1))
                guided = without + self.guidance * (flow - without)
                flow = torch.where(kept.view(-1, 1, 1, 1, 1).to(self.device), guided, flow)
        loss: Tensor = functional.mse_loss(flow, (noise - films).to(self.device))
        return loss


def read(text_encoder: Any, tokenizer: Any, captions: list[str], device: torch.device) -> Tensor:
    """(n, TOKENS, width): the text's states, zeros behind its end, as WanPipeline gives them."""
    tokens = tokenizer(
        captions,
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    mask = tokens.attention_mask.to(device)
    states: Tensor = text_encoder(tokens.input_ids.to(device), mask).last_hidden_state
    masked: Tensor = states * mask[..., None]
    return masked


def draw_shares(count: int, generator: torch.Generator) -> Tensor:
    """(count,) shares of noise in 0…1, shifted as the schedule is."""
    even = torch.sigmoid(LOGIT_SPREAD * torch.randn(count, generator=generator))
    return FLOW_SHIFT * even / (1 + (FLOW_SHIFT - 1) * even)
