"""Trains Wan's autoencoder in two stages: on single frames, then on short clips.

Space is learned on single frames, sixteen for the time of two short clips; what is left for the
clips is time. Both see squares cut out of the frames: nothing in it depends on the frame's size but
one attention of the middle block.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.autoencoding import autoencoder_loss, cut_out
from tools.shapes.scene import Size
from tools.shapes.training import Chance
from tools.shapes_video.clip import FRAMES, SIZES
from tools.shapes_video.painting import paint_clips
from tools.shapes_video.sampling import draw_clip

FRAMES_STAGE = "frames"
CLIPS_STAGE = "clips"
#: Clips of a step, and frames of each: 4k + 1.
FRAMES_BATCH = (16, 1)
CLIPS_BATCH = (2, 9)
CUT_PIXELS = 64
#: One step of clips in so many sees whole clips, as the film is decoded.
WHOLE_EVERY = 8
#: Keeps latents near a normal distribution without blurring frames.
KL_WEIGHT = 3e-5


@dataclass(kw_only=True, slots=True)
class VideoAutoencoderStage:
    vae: Any
    device: torch.device
    name: str
    #: Clips of a step, frames of a clip.
    batch: tuple[int, int]
    sizes: tuple[Size, ...] = SIZES
    learning_rate: float = 1.6e-3
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modules = {"vae": self.vae}

    def loss(self, step: int, chance: Chance) -> Tensor:
        count, frames = self.batch
        whole = frames > 1 and step % WHOLE_EVERY == 0
        size = self.sizes[step // WHOLE_EVERY % len(self.sizes)]
        if whole:
            count, frames = 1, FRAMES
        clips = [draw_clip(chance.numbers, size) for _ in range(count)]
        first = chance.numbers.randrange(FRAMES - frames + 1)
        painted = paint_clips(clips, first=first, count=frames)
        if not whole:
            painted = cut_out(painted, CUT_PIXELS, chance)
        return autoencoder_loss(
            self.vae, painted.to(self.device), chance, divergence_weight=KL_WEIGHT
        )
