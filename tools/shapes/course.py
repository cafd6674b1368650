"""The whole course of training: five stages one after another, each with its state on disk.

Running it again goes on where it was; a finished stage only puts its weights in. The folder may be
moved to another machine, with or without a GPU, between two runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)

from tools.shapes.autoencoder_stage import AutoencoderStage
from tools.shapes.base_stage import BaseStage, quiet_start
from tools.shapes.budgets import budget_of
from tools.shapes.decoder_stage import DecoderStage
from tools.shapes.export import LORA_FOLDER, assemble, export_base, export_refiner
from tools.shapes.latent_bank import LatentBank
from tools.shapes.latents import draw_scenes, encode, encode_scenes
from tools.shapes.near_identity import start_near_identity
from tools.shapes.noising import follow
from tools.shapes.painting import paint
from tools.shapes.parts import (
    build_refiner_unet,
    build_text_encoders,
    build_unet,
    build_vae,
)
from tools.shapes.recipe import AUTOENCODER, LORA, SHARES, STAGES, Recipe
from tools.shapes.refiner_stage import RefinerStage
from tools.shapes.scene import Scene
from tools.shapes.tokens import build_tokenizer
from tools.shapes.training import Stage, Trainer

#: Scenes by which the deviation of latents is measured.
MEASURED_SCENES = 256
#: Scenes that the LoRA learns from.
LORA_SCENES = 2048
#: The base's learning rate, from nothing and from what can draw already.
FRESH_RATE, GOING_ON_RATE = 1.6e-3, 8e-4


@dataclass(kw_only=True, slots=True)
class Course:
    recipe: Recipe
    #: Where states and latents are kept.
    folder: Path
    #: Where checkpoints are written.
    target: Path
    seed: int
    device: torch.device
    #: Splits these hours among the stages; None trains as many steps as the recipe says.
    hours: float | None = None
    #: A checkpoint of these classes to go on from; its autoencoder then stays as it is.
    start: Path | None = None
    #: Leaves the text encoders of `start` as they are: what else was made for them stays true.
    still_texts: bool = False
    report: Callable[[str], None] = print
    _tokenizer: Any = None
    _vae: Any = None
    _texts: tuple[Any, Any] | None = None
    _unet: Any = None
    _refiner: Any = None
    #: That of `start`; None for our own.
    _scheduler: Any = None
    _banks: list[LatentBank[Scene]] = field(default_factory=list)

    def run(self, until: str = LORA, only: Sequence[str] = STAGES) -> None:
        """Train all stages up to `until`, and export after each from the base on.

        `only` leaves stages out, whose parts are then those of `start`.
        """
        self._build()
        for name in STAGES[: STAGES.index(until) + 1]:
            if name in only or name == AUTOENCODER:
                getattr(self, f"_train_{name}")()

    def export_as_it_is(self) -> Path:
        """Write the base with the averaged weights of unfinished stages, from their states."""
        self._build()
        autoencoder = AutoencoderStage(vae=self._vae, device=self.device)
        for stage in (autoencoder, self._base_stage(), self._decoder_stage()):
            self._trainer(stage).use_state()
            if stage is autoencoder:
                self._measure_latents()
        return self._export_base()

    def _build(self) -> None:
        """Untrained parts on the device, the same for the same seed."""
        widths = self.recipe.widths
        torch.manual_seed(self.seed)
        if self.start is None:
            self._tokenizer = build_tokenizer()
            self._vae = build_vae(widths)
            start_near_identity(self._vae)
            self._texts = build_text_encoders(widths, self._tokenizer)
            self._unet = build_unet(widths)
            quiet_start(self._unet)
        else:
            self._load(self.start)
        self._refiner = build_refiner_unet(widths)
        quiet_start(self._refiner)
        assert self._texts is not None
        for part in (self._vae, *self._texts, self._unet, self._refiner):
            part.to(self.device)

    def _load(self, folder: Path) -> None:
        base: Any = StableDiffusionXLPipeline.from_pretrained(
            folder, dtype=torch.float32, variant="fp16", use_safetensors=True, add_watermarker=False
        )
        self._tokenizer, self._vae, self._unet = base.tokenizer, base.vae, base.unet
        first, second = base.text_encoder, base.text_encoder_2
        self._texts = (first, second)
        self._scheduler = base.scheduler
        follow(base.scheduler.config)
        for part in (self._unet, first, second):
            part.train()
        for text_encoder in self._texts:
            text_encoder.requires_grad_(not self.still_texts)

    def _train_autoencoder(self) -> None:
        if self.start is None:
            stage = AutoencoderStage(
                vae=self._vae,
                device=self.device,
                sizes=tuple(self.recipe.pictures),
                batch=self.recipe.autoencoder_batch,
            )
            self._trainer(stage).run()
            self._measure_latents()
        self._banks = [
            encode_scenes(
                self._vae,
                size=size,
                count=count,
                seed=self.seed,
                device=self.device,
                file=self.folder / f"latents-{size[0]}x{size[1]}.pt",
                report=self.report,
            )
            for size, count in self.recipe.pictures.items()
        ]

    def _train_base(self) -> None:
        self._trainer(self._base_stage()).run()
        self._export_base()

    def _train_decoder(self) -> None:
        self._trainer(self._decoder_stage()).run()
        self._export_base()

    def _train_refiner(self) -> None:
        assert self._texts is not None
        stage = RefinerStage(
            unet=self._refiner,
            text_encoder_2=self._texts[1],
            tokenizer=self._tokenizer,
            banks=self._banks,
            device=self.device,
            batch=self.recipe.batch,
        )
        self._trainer(stage).run()
        export_refiner(self._refiner, self.target, self._scheduler)

    def _train_lora(self) -> None:
        # peft is wanted here alone, and its import takes seconds.
        from tools.shapes.lora_stage import LoraStage, export_lora, pastel_bank  # noqa: PLC0415

        main_size = next(iter(self.recipe.pictures))
        scenes = draw_scenes(
            main_size, min(LORA_SCENES, self.recipe.pictures[main_size]), self.seed + 1
        )
        base = self._base_stage()
        base.banks = [pastel_bank(self._vae, scenes, self.device)]
        self._trainer(LoraStage(base=base)).run()
        export_lora(self._unet, self.target / LORA_FOLDER)

    def _base_stage(self) -> BaseStage:
        assert self._texts is not None
        return BaseStage(
            unet=self._unet,
            text_encoder=self._texts[0],
            text_encoder_2=self._texts[1],
            tokenizer=self._tokenizer,
            banks=self._banks,
            device=self.device,
            batch=self.recipe.batch,
            learning_rate=FRESH_RATE if self.start is None else GOING_ON_RATE,
        )

    def _decoder_stage(self) -> DecoderStage:
        return DecoderStage(
            pipeline=self._pipeline(),
            device=self.device,
            sizes=tuple(self.recipe.pictures),
            batch=self.recipe.autoencoder_batch,
        )

    def _trainer(self, stage: Stage) -> Trainer:
        return Trainer(
            stage=stage,
            budget=budget_of(stage.name, hours=self.hours, steps=self.recipe.steps, shares=SHARES),
            state_file=self.folder / f"{stage.name}.pt",
            seed=self.seed,
            report=self.report,
        )

    @torch.no_grad()
    def _measure_latents(self) -> None:
        """Let the autoencoder's config say how latents are scaled to a deviation of 1."""
        size = next(iter(self.recipe.pictures))
        self._vae.register_to_config(scaling_factor=1.0)
        scenes = draw_scenes(size, MEASURED_SCENES, self.seed + 2)
        latents = torch.cat(
            [
                encode(self._vae, paint(scenes[first : first + 32]), self.device)
                for first in range(0, MEASURED_SCENES, 32)
            ]
        )
        factor = round(1 / float(latents.std()), 4)
        self._vae.register_to_config(scaling_factor=factor)
        means = ", ".join(f"{it:.2f}" for it in (latents * factor).mean((0, 2, 3)).tolist())
        self.report(f"latents: scaled by {factor}; means of the channels {means}")

    def _pipeline(self) -> Any:
        assert self._texts is not None
        return assemble(
            vae=self._vae,
            text_encoder=self._texts[0],
            text_encoder_2=self._texts[1],
            tokenizer=self._tokenizer,
            unet=self._unet,
            scheduler=self._scheduler,
        )

    def _export_base(self) -> Path:
        return export_base(self._pipeline(), self.target)
