"""The table of noise schedulers: the request's name → diffusers' class and what SDXL wants of it.

A scheduler holds the state of one sampling run, so each job builds its own.
"""

from dataclasses import dataclass, field
from typing import Any

import diffusers

from shared.request import Scheduler


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerSpec:
    class_name: str
    #: Set over the checkpoint's own; the defaults of DDIM and PNDM suit other models.
    overrides: dict[str, Any] = field(default_factory=dict)


SCHEDULERS = {
    Scheduler.PNDM: SchedulerSpec(
        class_name="PNDMScheduler",
        overrides={"skip_prk_steps": True, "set_alpha_to_one": False},
    ),
    Scheduler.KLMS: SchedulerSpec(class_name="LMSDiscreteScheduler"),
    Scheduler.DDIM: SchedulerSpec(
        class_name="DDIMScheduler",
        overrides={"clip_sample": False, "set_alpha_to_one": False},
    ),
    Scheduler.K_EULER: SchedulerSpec(class_name="EulerDiscreteScheduler"),
    Scheduler.K_EULER_ANCESTRAL: SchedulerSpec(class_name="EulerAncestralDiscreteScheduler"),
    Scheduler.DPM_SOLVER_MULTISTEP: SchedulerSpec(class_name="DPMSolverMultistepScheduler"),
    Scheduler.DPM_SOLVER_SINGLESTEP: SchedulerSpec(class_name="DPMSolverSinglestepScheduler"),
}


def build_scheduler(name: Scheduler, checkpoint_config: Any) -> Any:
    """A fresh diffusers scheduler with the checkpoint's noise schedule."""
    spec = SCHEDULERS[name]
    return getattr(diffusers, spec.class_name).from_config(checkpoint_config, **spec.overrides)
