"""Times denoising steps of several pictures at once, at a model's default size, on its device.

A leg of STEPS each, of which the first is not counted: it chooses kernels and asks for memory. On
the embedded model and one core of a CPU that is some 0.4 s in all.
"""

import itertools
import math
import time
from typing import Any

import torch

from gpu_worker.engine import stages
from gpu_worker.engine.batching import worth_trying
from gpu_worker.engine.device import Device, clean_up, wait_for
from gpu_worker.engine.faults import is_out_of_memory
from gpu_worker.engine.legs import plan_base
from gpu_worker.engine.specs import PictureSpec
from shared.request import Scheduler, Text2ImgRequest

#: Of which all but the first count.
STEPS = 3
#: More rows are not tried any more once this has passed: a start must not wait for it.
MOST_SECONDS = 10.0


@torch.no_grad()
def time_steps(pipeline: Any, schedule: Any, spec: PictureSpec, device: Device) -> dict[int, float]:
    """Seconds of a step, by the rows of the batch: the shortest of each, since others may disturb.

    `pipeline` is the text2img one and `schedule` its scheduler's configuration.
    """
    found: dict[int, float] = {}
    ends = time.monotonic() + MOST_SECONDS
    for rows in worth_trying(found):
        if time.monotonic() > ends:
            break
        try:
            steps = _steps(pipeline, schedule, spec, device, rows)[1:]
            found[rows] = min(*steps, found.get(rows, math.inf))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            error.__traceback__ = None  # its frames hold what did not fit
            clean_up(device)
    return found


def _steps(
    pipeline: Any, schedule: Any, spec: PictureSpec, device: Device, rows: int
) -> list[float]:
    request = Text2ImgRequest(prompt="a batch", num_images=rows, num_inference_steps=STEPS)
    width, height = spec.default_size
    leg = plan_base(Scheduler.DDIM, schedule, steps=STEPS, strength=None, base_share=None)
    if leg is None:
        raise AssertionError("without an image there is always something to denoise")
    encoded = stages.encode(pipeline, request)
    # A CPU may be busy with others just now; what the steps need of it is the same all the same.
    clock = time.perf_counter if device.is_gpu else time.process_time
    wait_for(device)
    moments = [clock()]

    def note(_: int) -> None:
        wait_for(device)
        moments.append(clock())

    stages.denoise(
        pipeline,
        encoded,
        leg,
        generators=stages.make_generators(0, rows),
        after_step=note,
        width=width,
        height=height,
    )
    return [after - before for before, after in itertools.pairwise(moments)]
