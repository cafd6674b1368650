"""The whole course of the film model's training: stages one after another, each with its state.

Running it again goes on where it was; a finished stage only puts its weights in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from tools.shapes.budgets import budget_of
from tools.shapes.latent_bank import LatentBank
from tools.shapes.training import Stage, Trainer
from tools.shapes_video.autoencoder_stage import (
    CLIPS_BATCH,
    CLIPS_STAGE,
    FRAMES_BATCH,
    FRAMES_STAGE,
    VideoAutoencoderStage,
)
from tools.shapes_video.clip import SIZES, Clip
from tools.shapes_video.decoder_stage import DECODER_STAGE, VideoDecoderStage
from tools.shapes_video.export import assemble, export_film_model
from tools.shapes_video.latents import encode_clips, measure
from tools.shapes_video.near_identity import start_near_identity
from tools.shapes_video.parts import (
    FULL,
    TINY,
    Widths,
    build_text_encoder,
    build_transformer,
    build_vae,
)
from tools.shapes_video.tokens import build_tokenizer
from tools.shapes_video.transformer_stage import (
    MILD_STAGE,
    TRANSFORMER_STAGE,
    TransformerStage,
)

#: In the order in which they are trained.
STAGES = (FRAMES_STAGE, CLIPS_STAGE, TRANSFORMER_STAGE, MILD_STAGE, DECODER_STAGE)
#: Of a budget in hours, what each stage gets.
SHARES = {
    FRAMES_STAGE: 0.07,
    CLIPS_STAGE: 0.34,
    TRANSFORMER_STAGE: 0.34,
    MILD_STAGE: 0.14,
    DECODER_STAGE: 0.11,
}
#: The scale of guidance at which the finished model tells the truth, and what it then learns at.
MILD_GUIDANCE, MILD_RATE = 2.0, 8e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoRecipe:
    widths: Widths
    #: Steps of every stage, where no hours are given.
    steps: dict[str, int]
    #: How many clips of each size the transformer learns from.
    clips: int
    batch: int = 32

    def with_clips(self, clips: int) -> "VideoRecipe":
        """The same with another number of clips."""
        return replace(self, clips=clips)


FULL_RECIPE = VideoRecipe(
    widths=FULL,
    steps=dict(zip(STAGES, (1_500, 7_000, 6_500, 1_500, 4_000), strict=True)),
    clips=5_000,
)
SMOKE_RECIPE = VideoRecipe(widths=TINY, steps=dict.fromkeys(STAGES, 2), clips=4, batch=2)


@dataclass(kw_only=True, slots=True)
class VideoCourse:
    recipe: VideoRecipe
    #: Where states and latents are kept.
    folder: Path
    #: Where the checkpoint is written.
    target: Path
    seed: int
    device: torch.device
    #: Splits these hours among the stages; None trains as many steps as the recipe says.
    hours: float | None = None
    #: Fuses the transformer's blocks: half the time of a step, after a minute or two of compiling.
    fused: bool = False
    report: Callable[[str], None] = print
    _tokenizer: Any = None
    _vae: Any = None
    _text_encoder: Any = None
    _transformer: Any = None
    _banks: list[LatentBank[Clip]] = field(default_factory=list)

    def run(self, only: Sequence[str] = STAGES) -> Path:
        """Train the stages of `only`, put in what the states of the others hold, and export."""
        self._build()
        for name, batch in ((FRAMES_STAGE, FRAMES_BATCH), (CLIPS_STAGE, CLIPS_BATCH)):
            stage = VideoAutoencoderStage(vae=self._vae, device=self.device, name=name, batch=batch)
            self._settle(stage, train=name in only)
        self._banks = [
            encode_clips(
                self._vae,
                size=size,
                count=self.recipe.clips,
                seed=self.seed,
                device=self.device,
                file=self.folder / f"latents-{size[0]}x{size[1]}.pt",
                report=self.report,
            )
            for size in SIZES
        ]
        measure(self._banks, self._vae)
        self._settle(self._transformer_stage(), train=TRANSFORMER_STAGE in only)
        mild = self._transformer_stage()
        mild.name, mild.guidance, mild.learning_rate = MILD_STAGE, MILD_GUIDANCE, MILD_RATE
        self._settle(mild, train=MILD_STAGE in only)
        decoder = VideoDecoderStage(vae=self._vae, banks=self._banks, device=self.device)
        self._settle(decoder, train=DECODER_STAGE in only)
        return export_film_model(self.pipeline(), self.target)

    def pipeline(self) -> Any:
        """The parts as they are now."""
        return assemble(
            tokenizer=self._tokenizer,
            text_encoder=self._text_encoder,
            vae=self._vae,
            transformer=self._transformer,
        )

    def _build(self) -> None:
        """Untrained parts on the device, the same for the same seed."""
        widths = self.recipe.widths
        torch.manual_seed(self.seed)
        self._tokenizer = build_tokenizer()
        self._vae = build_vae(widths)
        start_near_identity(self._vae)
        self._text_encoder = build_text_encoder(widths, self._tokenizer)
        self._transformer = build_transformer(widths)
        for part in (self._vae, self._text_encoder, self._transformer):
            part.to(self.device)
        if self.fused:
            self._transformer.compile_repeated_blocks(fullgraph=True)

    def _settle(self, stage: Stage, *, train: bool) -> None:
        """Train the stage, or only put in what an earlier run left of it."""
        trainer = Trainer(
            stage=stage,
            budget=budget_of(stage.name, hours=self.hours, steps=self.recipe.steps, shares=SHARES),
            state_file=self.folder / f"{stage.name}.pt",
            seed=self.seed,
            report=self.report,
        )
        if train:
            trainer.run()
        else:
            trainer.use_state()

    def _transformer_stage(self) -> TransformerStage:
        return TransformerStage(
            transformer=self._transformer,
            text_encoder=self._text_encoder,
            tokenizer=self._tokenizer,
            vae=self._vae,
            banks=self._banks,
            device=self.device,
            batch=self.recipe.batch,
        )
