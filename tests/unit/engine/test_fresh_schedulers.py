"""Each run has a scheduler of its own: what one leaves in it never reaches the next."""

import itertools
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from gpu_worker.engine import fresh_schedulers
from gpu_worker.engine.fresh_schedulers import MOST_KEPT, fresh_scheduler
from gpu_worker.engine.schedulers import build_scheduler
from shared.request import Scheduler

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{it}:DeprecationWarning")
    for it in ("__array__ implementation", "__array_wrap__ must accept")
]

CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
}
STEPS = 9


def path(scheduler: Any, stop_after: int | None = None) -> torch.Tensor:
    """Where a run over a model that sees noise in everything ends."""
    generator = torch.Generator("cpu").manual_seed(5)
    scheduler.set_timesteps(STEPS)
    latents: torch.Tensor = torch.randn((1, 4, 6, 6), generator=generator)
    latents *= float(scheduler.init_noise_sigma)
    noise = {}
    if "generator" in scheduler.step.__code__.co_varnames:
        noise["generator"] = generator
    for timestep in itertools.islice(scheduler.timesteps, stop_after):
        output = torch.tanh(scheduler.scale_model_input(latents, timestep))
        latents = scheduler.step(output, timestep, latents, return_dict=False, **noise)[0]
    return latents


@pytest.mark.parametrize("name", Scheduler)
def test_a_second_run_is_the_first_to_the_bit_whatever_came_between(name: Scheduler) -> None:
    first = path(build_scheduler(name, CONFIG))
    # A job that was cancelled in the middle leaves the most behind.
    path(build_scheduler(name, CONFIG), stop_after=STEPS // 2)
    path(build_scheduler(name, CONFIG, first_step=3), stop_after=2)
    assert torch.equal(path(build_scheduler(name, CONFIG)), first)


@pytest.mark.parametrize("name", Scheduler)
def test_a_copy_runs_as_one_that_was_made_of_its_configuration(name: Scheduler) -> None:
    ours = build_scheduler(name, CONFIG)
    made = type(ours).from_config(ours.config)
    made.first_step = getattr(ours, "first_step", 0)
    assert dict(ours.config) == dict(made.config)
    assert torch.equal(path(ours), path(made))


def test_what_is_done_to_one_is_not_done_to_the_next() -> None:
    one = fresh_scheduler(DDIMScheduler, CONFIG)
    one.alphas_cumprod.zero_()
    one.step = None
    other = fresh_scheduler(DDIMScheduler, CONFIG)
    assert other is not one
    assert other.alphas_cumprod.all()
    assert callable(other.step)


def test_classes_configurations_and_what_is_set_over_them_are_told_apart() -> None:
    shifts = [
        fresh_scheduler(UniPCMultistepScheduler, CONFIG, flow_shift=it).config.flow_shift
        for it in (3.0, 5.0, 3.0)
    ]
    assert shifts == [3.0, 5.0, 3.0]
    longer = fresh_scheduler(DDIMScheduler, {**CONFIG, "num_train_timesteps": 500})
    assert len(longer.alphas_cumprod) == 500
    assert isinstance(fresh_scheduler(DDIMScheduler, CONFIG), DDIMScheduler)


def test_no_more_are_kept_than_the_bound() -> None:
    for number in range(MOST_KEPT + 3):
        fresh_scheduler(DDIMScheduler, {**CONFIG, "beta_end": 0.01 + number / 10_000})
    assert len(fresh_schedulers._unused) <= MOST_KEPT
