"""The table of noise schedulers: the request's name → diffusers' class and what SDXL wants of it.

A scheduler holds the state of one sampling run, so each run builds its own.
"""

from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler
from diffusers.schedulers.scheduling_pndm import PNDMScheduler

from gpu_worker.engine.fresh_schedulers import fresh_scheduler
from gpu_worker.ports import Sampler
from shared.request import Scheduler


class PndmFromAnyStep(PNDMScheduler):
    """PNDM for runs that begin in the middle of the schedule, as those from an image do.

    Its second evaluation repeats the first step, so diffusers lists the second timestep twice. Cut
    off at a later step, that list has its repetition in the wrong place, and every step after it
    takes the picture for cleaner than it is.
    """

    #: Index of the step at which the run begins.
    first_step = 0

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        super().set_timesteps(num_inference_steps, device)
        steps = torch.unique_consecutive(self.timesteps)
        second = self.first_step + 1
        self.timesteps: Any = torch.cat([steps[: second + 1], steps[second:]])


class LmsFromAnyStep(LMSDiscreteScheduler):
    """LMS for runs that begin in the middle of the schedule.

    diffusers takes the order from the place in the schedule, and a run that begins late would get
    the coefficients of four slopes while it has one.
    """

    def step(
        self,
        model_output: torch.Tensor,
        timestep: float | torch.Tensor,
        sample: torch.Tensor,
        order: int = 4,
        return_dict: bool = True,
    ) -> Any:
        known = len(self.derivatives) + 1
        return super().step(model_output, timestep, sample, min(order, known), return_dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerSpec:
    #: Of diffusers, or of this module.
    class_name: str
    #: Set over the checkpoint's own; the defaults of DDIM and PNDM suit other models.
    overrides: dict[str, Any] = field(default_factory=dict)


#: Noise levels after Karras et al., "Elucidating the Design Space of Diffusion-Based Generative
#: Models" (2022), equation 5.
KARRAS = {"use_karras_sigmas": True}

#: Steps counted from the noisiest on, which models of few steps need: with diffusers' usual spacing
#: the first of four would take the noise for a quarter gone (Lin et al., "Common Diffusion Noise
#: Schedules and Sample Steps are Flawed", 2024).
TRAILING = {"timestep_spacing": "trailing"}

SCHEDULERS: dict[Scheduler | Sampler, SchedulerSpec] = {
    Scheduler.PNDM: SchedulerSpec(
        class_name="PndmFromAnyStep",
        overrides={"skip_prk_steps": True, "set_alpha_to_one": False},
    ),
    Scheduler.KLMS: SchedulerSpec(class_name="LmsFromAnyStep"),
    Scheduler.DDIM: SchedulerSpec(
        class_name="DDIMScheduler",
        overrides={"clip_sample": False, "set_alpha_to_one": False},
    ),
    Scheduler.K_EULER: SchedulerSpec(class_name="EulerDiscreteScheduler"),
    Scheduler.K_EULER_ANCESTRAL: SchedulerSpec(class_name="EulerAncestralDiscreteScheduler"),
    Scheduler.DPM_SOLVER_MULTISTEP: SchedulerSpec(class_name="DPMSolverMultistepScheduler"),
    Scheduler.DPM_SOLVER_SINGLESTEP: SchedulerSpec(class_name="DPMSolverSinglestepScheduler"),
    Scheduler.UNIPC: SchedulerSpec(class_name="UniPCMultistepScheduler"),
    Scheduler.DEIS: SchedulerSpec(class_name="DEISMultistepScheduler"),
    Scheduler.HEUN: SchedulerSpec(class_name="HeunDiscreteScheduler"),
    Scheduler.K_EULER_KARRAS: SchedulerSpec(class_name="EulerDiscreteScheduler", overrides=KARRAS),
    Scheduler.KLMS_KARRAS: SchedulerSpec(class_name="LmsFromAnyStep", overrides=KARRAS),
    Scheduler.DPM_SOLVER_MULTISTEP_KARRAS: SchedulerSpec(
        class_name="DPMSolverMultistepScheduler", overrides=KARRAS
    ),
    Scheduler.DPM_SOLVER_SINGLESTEP_KARRAS: SchedulerSpec(
        class_name="DPMSolverSinglestepScheduler", overrides=KARRAS
    ),
    Scheduler.DPM_SOLVER_SDE_KARRAS: SchedulerSpec(
        class_name="DPMSolverMultistepScheduler",
        overrides={**KARRAS, "algorithm_type": "sde-dpmsolver++"},
    ),
    Sampler.EULER_TRAILING: SchedulerSpec(class_name="EulerDiscreteScheduler", overrides=TRAILING),
    Sampler.DDIM_TRAILING: SchedulerSpec(
        class_name="DDIMScheduler",
        overrides={**TRAILING, "clip_sample": False, "set_alpha_to_one": False},
    ),
    Sampler.LCM: SchedulerSpec(class_name="LCMScheduler"),
}


def build_scheduler(
    name: Scheduler | Sampler, checkpoint_config: Any, *, first_step: int = 0
) -> Any:
    """A fresh scheduler with the checkpoint's noise schedule, for a run from `first_step` on."""
    spec = SCHEDULERS[name]
    kind = globals().get(spec.class_name) or getattr(diffusers, spec.class_name)
    scheduler = fresh_scheduler(kind, checkpoint_config, **spec.overrides)
    if isinstance(scheduler, PndmFromAnyStep):
        scheduler.first_step = first_step
    return scheduler
