"""Where a run begins and ends, judged by numbers, with an ideal model of a normal distribution.

For pictures whose every value is drawn from N(0, SPREAD²) the right noise prediction is known, and
so is where the path from any noisy picture ends: the same picture, scaled.
"""

import math
from typing import Any

import pytest
import torch

from gpu_worker.engine.legs import (
    Leg,
    exact_strength,
    plan_base,
    plan_finishing,
    plan_taking_over,
    steps_for,
)
from shared.request import Scheduler

SPREAD = 0.5
#: SDXL's own noise schedule.
SDXL_CONFIG = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
#: They add noise of their own, so their path is not one of a kind.
RANDOM = {Scheduler.K_EULER_ANCESTRAL, Scheduler.DPM_SOLVER_SDE_KARRAS}
EXACT = [scheduler for scheduler in Scheduler if scheduler not in RANDOM]
#: Of the values at the end; a solver that takes the picture for one step cleaner than it is, is off
#: by 20 % and more.
TOLERANCE = 0.06
#: Where the two schedules have no timestep in common, the refiner begins up to half a step off.
UNALIGNED_TOLERANCE = 0.09
# diffusers hands tensors to numpy in a way that numpy will no longer take one day.
pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")


def noise_level(scheduler: Any, timestep: float) -> tuple[float, float]:
    """Signal and noise at a timestep."""
    products = scheduler.alphas_cumprod.float()
    low = math.floor(timestep)
    high = min(low + 1, len(products) - 1)
    kept = float(products[low] + (timestep - low) * (products[high] - products[low]))
    return kept**0.5, (1 - kept) ** 0.5


def exploding(scheduler: Any) -> bool:
    return float(scheduler.init_noise_sigma) != 1


def noisy(leg: Leg, timestep: float, clean: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """As this scheduler holds it."""
    signal, strength = noise_level(leg.scheduler, timestep)
    picture = signal * clean + strength * noise
    return picture / signal if exploding(leg.scheduler) else picture


def timesteps_of(leg: Leg) -> list[float]:
    """What the pipeline's own `get_timesteps` makes of the leg, cut where the leg ends."""
    leg.scheduler.set_timesteps(leg.steps)
    every = leg.scheduler.timesteps
    if "denoising_start" in leg.begin:
        cutoff = round(1000 - leg.begin["denoising_start"] * 1000)
        count = int((every < cutoff).sum())
        count += leg.scheduler.order == 2 and count % 2 == 0
        first = len(every) - count
    else:
        done = min(int(leg.steps * leg.begin.get("strength", 1.0)), leg.steps)
        first = (leg.steps - done) * leg.scheduler.order
    if hasattr(leg.scheduler, "set_begin_index"):
        leg.scheduler.set_begin_index(first)
    return [float(it) for it in every[first:]]


def walk(leg: Leg, sample: torch.Tensor) -> torch.Tensor:
    """The pipeline's loop with the ideal model."""
    timesteps = timesteps_of(leg)
    assert len(timesteps) >= leg.evaluations
    for timestep in leg.scheduler.timesteps[len(leg.scheduler.timesteps) - len(timesteps) :][
        : leg.evaluations
    ]:
        seen = leg.scheduler.scale_model_input(sample, timestep)
        signal, noise = noise_level(leg.scheduler, float(timestep))
        predicted = seen * noise / (signal**2 * SPREAD**2 + noise**2)
        sample = leg.scheduler.step(predicted, timestep, sample, return_dict=False)[0]
    return sample


def right_end(leg: Leg, timestep: float, sample: torch.Tensor) -> torch.Tensor:
    signal, noise = noise_level(leg.scheduler, timestep)
    if exploding(leg.scheduler):
        sample = sample * signal
    return sample * SPREAD / math.sqrt(signal**2 * SPREAD**2 + noise**2)


@pytest.fixture
def clean() -> torch.Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * SPREAD


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))


def error(seen: torch.Tensor, right: torch.Tensor) -> float:
    return float((seen - right).norm() / right.norm())


def base(scheduler: Scheduler, **how: Any) -> Leg:
    leg = plan_base(
        scheduler,
        SDXL_CONFIG,
        **{"steps": 20, "strength": None, "base_share": None, **how},
    )
    assert leg is not None
    return leg


@pytest.mark.parametrize("strength", [0.3, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("scheduler", EXACT)
def test_a_run_from_the_middle_ends_where_it_should(
    scheduler: Scheduler, strength: float, clean: torch.Tensor, noise: torch.Tensor
) -> None:
    leg = base(scheduler, strength=strength, steps=40)
    first = timesteps_of(leg)[0]
    start = noisy(leg, first, clean, noise)
    assert error(walk(leg, start), right_end(leg, first, start)) < TOLERANCE


@pytest.mark.parametrize("refiner_steps", [20, 40, 30])
@pytest.mark.parametrize("scheduler", EXACT)
def test_base_and_refiner_together_end_where_the_base_alone_does(
    scheduler: Scheduler, refiner_steps: int, clean: torch.Tensor, noise: torch.Tensor
) -> None:
    alone = base(scheduler)
    first = timesteps_of(alone)[0]
    start = noisy(alone, first, clean, noise)
    leg = base(scheduler, base_share=0.8)
    assert leg.handover is not None
    taking_over = plan_taking_over(
        scheduler, SDXL_CONFIG, steps=refiner_steps, handover=leg.handover
    )
    assert taking_over is not None
    together = walk(taking_over, walk(leg, start))
    tolerance = TOLERANCE if refiner_steps == 20 else UNALIGNED_TOLERANCE
    assert error(together, walk(alone, start)) < tolerance


@pytest.mark.parametrize("scheduler", Scheduler)
def test_the_refiner_begins_at_the_timestep_that_the_base_would_have_come_to(
    scheduler: Scheduler,
) -> None:
    whole = timesteps_of(base(scheduler))
    leg = base(scheduler, base_share=0.8)
    taking_over = plan_taking_over(
        scheduler, SDXL_CONFIG, steps=20, handover=leg.handover or math.nan
    )
    assert taking_over is not None
    assert timesteps_of(taking_over)[0] == leg.handover == whole[leg.evaluations]
    assert len(timesteps_of(taking_over)) == taking_over.evaluations
    if scheduler is not Scheduler.PNDM:  # which repeats a step at the beginning of either
        assert leg.evaluations + taking_over.evaluations == len(whole)


def test_four_fifths_of_twenty_steps_are_sixteen() -> None:
    leg = base(Scheduler.DDIM, base_share=0.8)
    assert (leg.evaluations, leg.handover) == (16, 151)
    taking_over = plan_taking_over(Scheduler.DDIM, SDXL_CONFIG, steps=20, handover=151)
    assert taking_over is not None
    assert taking_over.evaluations == 4
    assert taking_over.begin == {"denoising_start": pytest.approx(1 - 152 / 1000)}


@pytest.mark.parametrize("scheduler", Scheduler)
@pytest.mark.parametrize("steps", [1, 2, 3, 25])
def test_every_share_of_every_number_of_steps_makes_legs_that_meet(
    scheduler: Scheduler, steps: int
) -> None:
    for share in (0.01, 0.5, 0.99):
        leg = base(scheduler, steps=steps, base_share=share)
        assert leg.evaluations >= 1
        if leg.handover is None:
            assert leg.evaluations == len(timesteps_of(leg))
            continue
        taking_over = plan_taking_over(scheduler, SDXL_CONFIG, steps=steps, handover=leg.handover)
        assert taking_over is not None
        assert len(timesteps_of(taking_over)) == taking_over.evaluations


def test_the_strength_that_the_pipeline_is_told_means_the_steps_that_were_planned() -> None:
    for steps in range(1, 151):
        for count in range(1, steps + 1):
            assert int(steps * exact_strength(count, steps)) == count


@pytest.mark.parametrize(
    ("strength", "steps", "expected"),
    [(0.0, 25, 0), (0.01, 25, 1), (0.3, 25, 7), (0.3, 50, 15), (1.0, 25, 25), (0.99, 1, 1)],
)
def test_strength_decides_how_many_steps_are_run(
    strength: float, steps: int, expected: int
) -> None:
    assert steps_for(strength, steps) == expected


def test_no_strength_is_no_leg() -> None:
    base = plan_base(Scheduler.DDIM, SDXL_CONFIG, steps=25, strength=0.0, base_share=None)
    assert base is None
    assert plan_finishing(Scheduler.DDIM, SDXL_CONFIG, steps=25, strength=0.0) is None
