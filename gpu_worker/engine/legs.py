"""Which timesteps the base denoises and which the refiner: decided before anything runs.

A leg is one run of one UNet over a part of its schedule. The base hands over between two steps, and
the refiner goes on at the timestep that the base would have come to next, or the nearest that its
own schedule has: no noise is added. With as many steps for both this is where the published
pipelines cut, but for second-order solvers (two evaluations a step), which those cut mid-step.
"""

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

from gpu_worker.engine.guidance_cutoff import guided_evaluations
from gpu_worker.engine.schedulers import build_scheduler
from gpu_worker.ports import Sampler
from shared.request import Scheduler, SpeedTier


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    scheduler: Any
    #: Of the whole schedule, of which this leg may run a part only.
    steps: int
    #: How often the UNet is called.
    evaluations: int
    #: The timestep at which the other model goes on; None when this leg ends with a clean picture.
    handover: float | None = None
    #: How the pipeline is told where to begin: `strength` or `denoising_start`.
    begin: dict[str, float] = field(default_factory=dict)

    def guided(self, tier: SpeedTier) -> int:
        """How many of the evaluations, the first, are guided where there is guidance at all."""
        return guided_evaluations(tier, self.evaluations, int(self.scheduler.order))


def plan_base(
    name: Scheduler | Sampler,
    config: Any,
    *,
    steps: int,
    strength: float | None,
    base_share: float | None,
) -> Leg | None:
    """`strength` is None without an image; `base_share` (0 … 1) None without a refiner after it.

    None when the strength is 0: the image stays as it is.
    """
    count = steps if strength is None else steps_for(strength, steps)
    if count == 0:
        return None
    scheduler = build_scheduler(name, config, first_step=steps - count)
    timesteps = _timesteps(scheduler, steps)[(steps - count) * scheduler.order :]
    ends = len(timesteps)
    if base_share is not None:
        ends = _ends(timesteps, scheduler, base_share)
    return Leg(
        scheduler=scheduler,
        steps=steps,
        evaluations=ends,
        handover=timesteps[ends] if ends < len(timesteps) else None,
        begin={} if strength is None else {"strength": exact_strength(count, steps)},
    )


def plan_taking_over(name: Scheduler, config: Any, *, steps: int, handover: float) -> Leg | None:
    """The refiner's leg from the base's `handover` on; None when its schedule has nothing left."""
    scheduler = build_scheduler(name, config)
    second_order = scheduler.order > 1
    distinct = [step for step, _ in itertools.groupby(_timesteps(scheduler, steps))]
    first = min(distinct, key=lambda step: abs(step - handover))
    # The pipeline begins with the first timestep below the cut-off; of a second-order solver, with
    # the second evaluation at the one before.
    cutoff = math.ceil(first) if second_order else math.floor(first) + 1
    total = int(scheduler.config.num_train_timesteps)
    if not 0 < cutoff < total:
        return None
    scheduler = build_scheduler(name, config, first_step=distinct.index(first))
    evaluations = sum(step < cutoff for step in _timesteps(scheduler, steps))
    if second_order and evaluations % 2 == 0:
        evaluations += 1
    if evaluations == 0:
        return None
    return Leg(
        scheduler=scheduler,
        steps=steps,
        evaluations=evaluations,
        begin={"denoising_start": 1 - cutoff / total},
    )


def plan_finishing(name: Scheduler, config: Any, *, steps: int, strength: float) -> Leg | None:
    """The refiner's leg over a finished picture, which gets noise for `strength` of the steps."""
    return plan_base(name, config, steps=steps, strength=strength, base_share=None)


def steps_for(strength: float, steps: int) -> int:
    """How many of `steps` are run on an image: at least one, unless the strength is 0."""
    return 0 if strength == 0 else max(1, int(steps * strength))


def exact_strength(count: int, steps: int) -> float:
    """The strength of which the pipeline's `int(steps × strength)` is `count`, despite rounding."""
    return 1.0 if count == steps else (count + 0.5) / steps


def _ends(timesteps: list[float], scheduler: Any, base_share: float) -> int:
    """How many evaluations are the base's: at least a step."""
    total = int(scheduler.config.num_train_timesteps)
    cutoff = round(total - base_share * total)
    order = int(scheduler.order)
    evaluations = sum(step >= cutoff for step in timesteps)
    whole_steps = evaluations - evaluations % order
    return min(max(whole_steps, order), len(timesteps))


def _timesteps(scheduler: Any, steps: int) -> list[float]:
    scheduler.set_timesteps(steps)
    return [float(step) for step in scheduler.timesteps]
