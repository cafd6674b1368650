"""Trains the refiner's UNet on the last part of the noise, with an aesthetic score to steer by.

The score is true: pictures whose edges are blurred have the low one that SDXL's refiner pipeline
gives negative prompts, all others the high one. Text encoder and autoencoder are the base's.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.denoising import BATCH, draw_batch, token_ids, velocity_loss
from tools.shapes.latent_bank import LatentBank
from tools.shapes.scene import Finish, Scene, Size
from tools.shapes.training import Chance

#: Noise up to this step: a refiner that takes over at 0.8 begins at 200; earlier ones are allowed.
NOISE_UNTIL = 600
#: The defaults of diffusers' refiner pipeline.
HIGH_SCORE = 6.0
LOW_SCORE = 2.5


@dataclass(kw_only=True, slots=True)
class RefinerStage:
    unet: Any
    text_encoder_2: Any
    tokenizer: Any
    banks: list[LatentBank[Scene]]
    device: torch.device
    batch: int = BATCH
    name: str = "refiner"
    learning_rate: float = 2e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modules = {"unet": self.unet}

    def loss(self, step: int, chance: Chance) -> Tensor:
        batch = draw_batch(
            self.banks, step=step, batch=self.batch, chance=chance, draw_timesteps=draw_timesteps
        )
        ids = score_ids(batch.size, batch.scenes)
        return velocity_loss(self.unet, batch, read=self._read, time_ids=ids, device=self.device)

    @torch.no_grad()
    def _read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """States of the last layer but one, and the pooled text."""
        ids = token_ids(self.tokenizer, captions).to(self.device)
        text = self.text_encoder_2(ids, output_hidden_states=True)
        return text.hidden_states[-2], text.text_embeds


def draw_timesteps(count: int, generator: torch.Generator) -> Tensor:
    """(count,) of the last part of the noise."""
    return torch.randint(0, NOISE_UNTIL, (count,), generator=generator)


def score_ids(size: Size, scenes: list[Scene]) -> Tensor:
    """(n, 5): height and width, no crop, aesthetic score, as the refiner's pipeline says."""
    width, height = size
    scores = [LOW_SCORE if scene.finish is Finish.BLURRED else HIGH_SCORE for scene in scenes]
    return torch.tensor([[height, width, 0.0, 0.0, score] for score in scores])
