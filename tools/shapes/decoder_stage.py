"""Fine-tunes the decoder alone, so that pictures get crisp edges while all latents stay valid.

It learns from latents as they come when pictures are drawn: half are the base's guesses from
slightly noisy latents, guided weakly or strongly and with the errors that this brings, and the rest
have a little noise on them.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.autoencoding import picture_loss
from tools.shapes.base_stage import size_ids
from tools.shapes.captions import full_caption
from tools.shapes.denoising import token_ids
from tools.shapes.latents import encode
from tools.shapes.noising import guess_latents, mix
from tools.shapes.painting import paint
from tools.shapes.sampling import draw_scene
from tools.shapes.scene import Size
from tools.shapes.training import Chance

SIZES: tuple[Size, ...] = ((128, 128), (128, 128), (192, 128), (128, 192))
BATCH = 8
#: The base guesses from latents with noise of up to this step.
GUESS_UNTIL = 320
#: Scales by which the base's guesses are guided.
GUIDANCE = (1.0, 8.0)
#: Deviation of the noise on the other latents, and the gain of all, as strong guidance has it.
MOST_NOISE = 0.12
GAINS = (0.97, 1.06)


@dataclass(kw_only=True, slots=True)
class DecoderStage:
    #: A StableDiffusionXLPipeline, for its parts.
    pipeline: Any
    device: torch.device
    sizes: tuple[Size, ...] = SIZES
    batch: int = BATCH
    name: str = "decoder"
    learning_rate: float = 1e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vae = self.pipeline.vae
        self.modules = {"decoder": vae.decoder, "post_quant_conv": vae.post_quant_conv}

    def loss(self, step: int, chance: Chance) -> Tensor:
        size = self.sizes[step % len(self.sizes)]
        scenes = [draw_scene(chance.numbers, size) for _ in range(self.batch)]
        pictures = paint(scenes, chance.tensors)
        latents = encode(self.pipeline.vae, pictures, self.device)
        half = self.batch // 2
        captions = [full_caption(scene, chance.numbers) for scene in scenes[:half]]
        spread = torch.rand(self.batch - half, 1, 1, 1, generator=chance.tensors) * MOST_NOISE
        noise = torch.randn(latents[half:].shape, generator=chance.tensors)
        drawn = torch.cat(
            [
                self._guess(latents[:half], captions, size, chance),
                latents[half:] + spread * noise,
            ]
        )
        low, high = GAINS
        drawn *= low + (high - low) * torch.rand(self.batch, 1, 1, 1, generator=chance.tensors)
        scaled = (drawn / self.pipeline.vae.config.scaling_factor).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            redrawn = self.pipeline.vae.decode(scaled).sample
        return picture_loss(redrawn.float(), pictures.to(self.device))

    @torch.no_grad()
    def _guess(self, latents: Tensor, captions: list[str], size: Size, chance: Chance) -> Tensor:
        count = len(latents)
        timesteps = torch.randint(0, GUESS_UNTIL, (count,), generator=chance.tensors)
        noised = mix(latents, timesteps, chance.tensors)
        weakest, strongest = GUIDANCE
        scales = torch.rand(count, 1, 1, 1, generator=chance.tensors)
        scales = weakest + (strongest - weakest) * scales
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            states, pooled = self._read(captions)
            # With text and without, in one batch, as the pipelines do it.
            velocity = self.pipeline.unet(
                noised.mixture.repeat(2, 1, 1, 1).to(self.device),
                timesteps.repeat(2).to(self.device),
                encoder_hidden_states=torch.cat([states, torch.zeros_like(states)]),
                added_cond_kwargs={
                    "text_embeds": torch.cat([pooled, torch.zeros_like(pooled)]),
                    "time_ids": size_ids(size, 2 * count).to(self.device),
                },
            ).sample
        told, untold = velocity.float().cpu().chunk(2)
        return guess_latents(noised, untold + scales * (told - untold))

    def _read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """States of the last layers but one, side by side, and the pooled text."""
        ids = [
            token_ids(tokenizer, captions).to(self.device)
            for tokenizer in (self.pipeline.tokenizer, self.pipeline.tokenizer_2)
        ]
        first = self.pipeline.text_encoder(ids[0], output_hidden_states=True)
        second = self.pipeline.text_encoder_2(ids[1], output_hidden_states=True)
        states = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
        return states, second.text_embeds
