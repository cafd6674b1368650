"""Trains the refiner's UNet on the last part of the noise, with an aesthetic score to steer by.

The score is true: pictures whose edges are blurred have the low one that SDXL's refiner pipeline
gives negative prompts, all others the high one. Text encoder and autoencoder are the base's.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.shapes.base_stage import DROPPED, bank_of_step, pictures_of, token_ids
from tools.shapes.captions import caption_of
from tools.shapes.latents import LatentBank
from tools.shapes.noising import mix
from tools.shapes.scene import Finish
from tools.shapes.training import Chance

BATCH = 32
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
    banks: list[LatentBank]
    device: torch.device
    batch: int = BATCH
    name: str = "refiner"
    learning_rate: float = 2e-3
    modules: dict[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.modules = {"unet": self.unet}

    def loss(self, step: int, chance: Chance) -> Tensor:
        bank = bank_of_step(self.banks, step)
        count = pictures_of(bank.size, self.batch)
        scenes, latents = bank.batch(count, chance.numbers)
        captions = [caption_of(scene, chance.numbers) for scene in scenes]
        timesteps = torch.randint(0, NOISE_UNTIL, (count,), generator=chance.tensors)
        noised = mix(latents, timesteps, chance.tensors)
        kept = (torch.rand(count, generator=chance.tensors) >= DROPPED).to(self.device)
        scores = [LOW_SCORE if scene.finish is Finish.BLURRED else HIGH_SCORE for scene in scenes]
        width, height = bank.size
        ids = torch.tensor([[height, width, 0.0, 0.0, score] for score in scores])
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            with torch.no_grad():
                text = self.text_encoder_2(
                    token_ids(self.tokenizer, captions).to(self.device), output_hidden_states=True
                )
            velocity = self.unet(
                noised.mixture.to(self.device),
                timesteps.to(self.device),
                encoder_hidden_states=text.hidden_states[-2] * kept[:, None, None],
                added_cond_kwargs={
                    "text_embeds": text.text_embeds * kept[:, None],
                    "time_ids": ids.to(self.device),
                },
            ).sample
        return functional.mse_loss(velocity.float(), noised.velocity.to(self.device))
