"""What the base's training and the refiner's have in common: batches, and the loss on velocity.

A share of the pictures goes without any text, in the very form that the pipelines give an absent
negative prompt: zeros for the text's states.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from tools.shapes.captions import caption_of
from tools.shapes.latent_bank import LatentBank
from tools.shapes.noising import Noised, mix
from tools.shapes.scene import Scene, Size
from tools.shapes.tokens import TOKENS
from tools.shapes.training import Chance

#: Square pictures of a batch; wider ones come in batches with as many latents.
BATCH = 32
SQUARE_LATENTS = 256
#: Pictures without text.
DROPPED = 0.1
#: The scale of guidance at which a mild model tells the truth. SDXL's usual 7.5 overdrives a model
#: this small, which draws best between 2 and 4: its own scale is stretched by this much.
MILD_GUIDANCE = 1.5
#: One batch in this many is not of the first bank.
OTHER_BANK_EVERY = 4

#: (n,) steps of noise for n pictures.
DrawTimesteps: TypeAlias = Callable[[int, torch.Generator], Tensor]
#: Captions → the text's states (n, TOKENS, width) and the pooled text (n, width).
ReadCaptions: TypeAlias = Callable[[list[str]], tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoisedBatch:
    """n pictures of one size, with noise mixed in."""

    size: Size
    scenes: list[Scene]
    captions: list[str]
    noised: Noised
    #: (n,) whose text counts.
    kept: Tensor


def draw_batch(
    banks: list[LatentBank[Scene]],
    *,
    step: int,
    batch: int,
    chance: Chance,
    draw_timesteps: DrawTimesteps,
) -> NoisedBatch:
    """The batch of training step `step`: as many latents as `batch` square pictures have.

    A state on disk goes on bit for bit only while the order of these draws stays as it is.
    """
    bank = bank_of_step(banks, step)
    count = pictures_of(bank.size, batch)
    scenes, latents = bank.batch(count, chance.numbers)
    return NoisedBatch(
        size=bank.size,
        scenes=scenes,
        captions=[caption_of(scene, chance.numbers) for scene in scenes],
        noised=mix(latents, draw_timesteps(count, chance.tensors), chance.tensors),
        kept=torch.rand(count, generator=chance.tensors) >= DROPPED,
    )


def velocity_loss(
    unet: Any,
    batch: NoisedBatch,
    *,
    read: ReadCaptions,
    time_ids: Tensor,
    device: torch.device,
    guidance: float = 1.0,
) -> Tensor:
    """Mean squared error of the velocity that `unet` reads off the mixture.

    With a `guidance` above 1 it is the *guided* velocity that is compared, as a pipeline guides at
    that scale: the model learns to follow its text less, and larger scales overdrive it less. The
    velocity without text is taken as it is (Chen et al., "Visual Generation Without Guidance",
    2025); that it is true is learned from the pictures whose text was dropped.
    """
    kept = batch.kept.to(device)
    mixture, timesteps = batch.noised.mixture.to(device), batch.noised.timesteps.to(device)
    ids = time_ids.to(device)

    def read_off(states: Tensor, pooled: Tensor) -> Tensor:
        added = {"text_embeds": pooled, "time_ids": ids}
        velocity: Tensor = unet(
            mixture, timesteps, encoder_hidden_states=states, added_cond_kwargs=added
        ).sample
        return velocity.float()

    with torch.autocast(device.type, dtype=torch.bfloat16):
        states, pooled = read(batch.captions)
        velocity = read_off(states * kept[:, None, None], pooled * kept[:, None])
        if guidance > 1.0:
            with torch.no_grad():
                without = read_off(torch.zeros_like(states), torch.zeros_like(pooled))
            guided = without + guidance * (velocity - without)
            velocity = torch.where(kept[:, None, None, None], guided, velocity)
    return functional.mse_loss(velocity, batch.noised.velocity.to(device))


def bank_of_step(banks: list[LatentBank[Scene]], step: int) -> LatentBank[Scene]:
    """The first bank most of the time, the others in turn."""
    turn, rest = divmod(step, OTHER_BANK_EVERY)
    if rest or len(banks) == 1:
        return banks[0]
    return banks[1 + turn % (len(banks) - 1)]


def pictures_of(size: Size, batch: int) -> int:
    """How many pictures of `size` have as many latents as `batch` square ones."""
    return max(1, batch * SQUARE_LATENTS * 64 // (size[0] * size[1]))


def token_ids(tokenizer: Any, captions: list[str]) -> Tensor:
    """(n, TOKENS)"""
    ids: Tensor = tokenizer(
        captions, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids
