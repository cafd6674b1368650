"""Training of every stage on tiny parts: losses fall, nothing depends on being interrupted."""

from pathlib import Path

import pytest
import torch

from tests.unit.shapes.stages import SameBatch, TinyParts
from tools.shapes.budgets import LAST_RATE, StepBudget, TimeBudget, rate_at
from tools.shapes.training import Trainer, chance_of

STAGES = ["autoencoder", "base", "decoder", "refiner"]


def quiet(_: str) -> None:
    pass


def trainer_of(name: str, folder: Path, *, steps: int, parts: TinyParts | None = None) -> Trainer:
    return Trainer(
        stage=(parts or TinyParts()).stage(name, folder),
        budget=StepBudget(steps=steps),
        state_file=folder / f"{name}.pt",
        seed=3,
        report=quiet,
    )


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{name}": value.detach().clone()
        for part, module in trainer.stage.modules.items()
        for name, value in module.named_parameters()
    }


@pytest.mark.parametrize("name", STAGES)
def test_a_few_steps_on_one_batch_lower_the_loss(name: str, tmp_path: Path) -> None:
    stage = SameBatch(inner=TinyParts().stage(name, tmp_path))
    Trainer(
        stage=stage,
        budget=StepBudget(steps=12),
        state_file=tmp_path / "state.pt",
        seed=0,
        report=quiet,
    ).run()
    assert min(stage.losses[-3:]) < 0.97 * stage.losses[0]


@pytest.mark.parametrize("name", STAGES)
def test_training_cut_in_two_gives_the_very_weights_of_training_in_one_go(
    name: str, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    in_one_go = trainer_of(name, whole, steps=6)
    in_one_go.run()
    trainer_of(name, cut, steps=6).run(until_step=3)
    gone_on = trainer_of(name, cut, steps=6)
    with torch.no_grad():
        for module in gone_on.stage.modules.values():
            for parameter in module.parameters():
                parameter.add_(1)  # what the state does not hold would show
    gone_on.run()
    assert gone_on.step == 6
    expected = weights(in_one_go)
    assert all(torch.equal(value, expected[key]) for key, value in weights(gone_on).items())


def test_a_module_may_learn_at_a_rate_of_its_own(tmp_path: Path) -> None:
    trainer = trainer_of("base", tmp_path, steps=1)
    trainer.stage.rates = {"text_encoder": 0.0}
    before = weights(trainer)
    trainer.run(until_step=1)
    moved = {
        name.partition(".")[0]
        for name, value in weights(trainer).items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"unet", "text_encoder_2"}


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    one, other = (trainer_of("base", tmp_path / str(seed), steps=2) for seed in (1, 2))
    other.seed = 4
    one.run()
    other.run()
    expected = weights(one)
    assert any(not torch.equal(value, expected[key]) for key, value in weights(other).items())


def test_a_finished_stage_only_puts_its_averaged_weights_in(tmp_path: Path) -> None:
    trainer_of("autoencoder", tmp_path, steps=4).run()
    again = trainer_of("autoencoder", tmp_path, steps=4)
    again.run()
    assert again.step == 4
    for name, value in weights(again).items():
        assert torch.equal(value, again.averaged[name])


def test_decoder_training_leaves_the_latents_as_they_are(tmp_path: Path) -> None:
    parts = TinyParts()
    before = [it.detach().clone() for it in parts.vae.encoder.parameters()]
    trainer_of("decoder", tmp_path, steps=3, parts=parts).run()
    for old, new in zip(before, parts.vae.encoder.parameters(), strict=True):
        assert torch.equal(old, new)


def test_a_budget_of_time_ends_at_its_time_earlier_runs_counted_in() -> None:
    now = 100.0
    budget = TimeBudget(seconds=60, clock=lambda: now)
    now = 130.0
    assert budget.share(step=7) == pytest.approx(0.5)
    budget.resume(spent=50.0)
    assert budget.share(step=7) == pytest.approx(50 / 60)
    now = 140.0
    assert budget.share(step=7) == pytest.approx(1.0)


def test_the_learning_rate_rises_holds_and_falls() -> None:
    rates = [rate_at(share / 100) for share in range(101)]
    assert rates[0] < 0.1
    assert max(rates) == 1.0
    assert rates[30] == 1.0
    assert rates[40:] == sorted(rates[40:], reverse=True)
    assert rates[-1] == pytest.approx(LAST_RATE)


def test_chance_differs_between_steps_stages_and_seeds_and_repeats_otherwise() -> None:
    def first(seed: int, stage: str, step: int) -> float:
        return float(torch.rand(1, generator=chance_of(seed, stage, step).tensors))

    numbers = {
        first(0, "base", 0),
        first(1, "base", 0),
        first(0, "refiner", 0),
        first(0, "base", 1),
    }
    assert len(numbers) == 4
    assert first(0, "base", 0) in numbers
