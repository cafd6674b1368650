"""The base's loss compares the velocity as a pipeline would guide it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tools.shapes.denoising import NoisedBatch, velocity_loss
from tools.shapes.noising import Noised

#: What the stand-in for a UNet says with text, and without.
WITH_TEXT, WITHOUT_TEXT, TRUTH = 3.0, 1.0, 4.0


def unet(mixture: Tensor, _timesteps: Tensor, **given: Any) -> SimpleNamespace:
    told = given["encoder_hidden_states"].flatten(1).any(1).float()
    said = WITHOUT_TEXT + (WITH_TEXT - WITHOUT_TEXT) * told
    return SimpleNamespace(sample=said.view(-1, 1, 1, 1).expand_as(mixture))


def loss(kept: list[bool], guidance: float) -> float:
    shape = (len(kept), 4, 2, 2)
    batch = NoisedBatch(
        size=(16, 16),
        scenes=[],
        captions=["red"] * len(kept),
        noised=Noised(
            mixture=torch.zeros(shape),
            velocity=torch.full(shape, TRUTH),
            timesteps=torch.zeros(len(kept)),
        ),
        kept=torch.tensor(kept),
    )
    return float(
        velocity_loss(
            unet,
            batch,
            read=lambda texts: (torch.ones(len(texts), 2, 2), torch.ones(len(texts), 2)),
            time_ids=torch.zeros(len(kept), 6),
            device=torch.device("cpu"),
            guidance=guidance,
        )
    )


@pytest.mark.parametrize(("guidance", "guided"), [(1.0, 3.0), (1.5, 4.0), (2.0, 5.0)])
def test_with_text_the_guided_velocity_is_compared(guidance: float, guided: float) -> None:
    assert loss([True, True], guidance) == pytest.approx((guided - TRUTH) ** 2)


def test_without_text_the_velocity_itself_is_compared() -> None:
    assert loss([False], 2.0) == pytest.approx((WITHOUT_TEXT - TRUTH) ** 2)
