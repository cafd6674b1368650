"""Tiny stages of training for tests: the real classes, a few hundred parameters wide."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tools.shapes.autoencoder_stage import AutoencoderStage
from tools.shapes.base_stage import BaseStage
from tools.shapes.decoder_stage import DecoderStage
from tools.shapes.export import assemble
from tools.shapes.latents import encode_scenes
from tools.shapes.near_identity import start_near_identity
from tools.shapes.parts import (
    TINY,
    build_refiner_unet,
    build_text_encoders,
    build_unet,
    build_vae,
)
from tools.shapes.refiner_stage import RefinerStage
from tools.shapes.scene import Size
from tools.shapes.tokens import build_tokenizer
from tools.shapes.training import Chance, Stage, chance_of

CPU = torch.device("cpu")
SIZES: tuple[Size, ...] = ((64, 64), (96, 64))


@dataclass(kw_only=True)
class TinyParts:
    """All parts, untrained; the same for the same seed."""

    seed: int = 0
    tokenizer: Any = field(init=False)
    vae: Any = field(init=False)
    texts: tuple[Any, Any] = field(init=False)
    unet: Any = field(init=False)
    refiner: Any = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        self.tokenizer = build_tokenizer()
        self.vae = build_vae(TINY)
        start_near_identity(self.vae)
        self.vae.register_to_config(scaling_factor=0.4)
        self.texts = build_text_encoders(TINY, self.tokenizer)
        self.unet = build_unet(TINY)
        self.refiner = build_refiner_unet(TINY)

    def pipeline(self) -> Any:
        return assemble(
            vae=self.vae,
            text_encoder=self.texts[0],
            text_encoder_2=self.texts[1],
            tokenizer=self.tokenizer,
            unet=self.unet,
        )

    def banks(self, folder: Path) -> list[Any]:
        return [
            encode_scenes(
                self.vae,
                size=size,
                count=16,
                seed=0,
                device=CPU,
                file=folder / f"latents-{size[0]}x{size[1]}.pt",
                report=lambda _: None,
            )
            for size in SIZES
        ]

    def stage(self, name: str, folder: Path) -> Stage:
        match name:
            case "autoencoder":
                return AutoencoderStage(vae=self.vae, device=CPU, sizes=SIZES, batch=2)
            case "base":
                return BaseStage(
                    unet=self.unet,
                    text_encoder=self.texts[0],
                    text_encoder_2=self.texts[1],
                    tokenizer=self.tokenizer,
                    banks=self.banks(folder),
                    device=CPU,
                    batch=16,
                )
            case "decoder":
                return DecoderStage(pipeline=self.pipeline(), device=CPU, sizes=SIZES, batch=2)
            case "refiner":
                return RefinerStage(
                    unet=self.refiner,
                    text_encoder_2=self.texts[1],
                    tokenizer=self.tokenizer,
                    banks=self.banks(folder),
                    device=CPU,
                    batch=16,
                )
            case _:
                raise ValueError(f"there is no stage {name!r}")


@dataclass(kw_only=True)
class SameBatch:
    """A stage that sees the data of its step 0 again and again."""

    inner: Stage
    name: str = field(init=False)
    learning_rate: float = field(init=False)
    modules: dict[str, nn.Module] = field(init=False)
    rates: dict[str, float] = field(init=False)
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.modules = self.inner.name, self.inner.modules
        self.learning_rate, self.rates = self.inner.learning_rate, self.inner.rates

    def loss(self, step: int, chance: Chance) -> Tensor:
        loss = self.inner.loss(0, chance_of(0, self.name, 0))
        self.losses.append(float(loss.detach()))
        return loss
