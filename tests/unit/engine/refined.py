"""How like two pictures are, and who did which steps."""

import math

from gpu_worker.ports import EngineProgress, Pixels


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal to noise ratio in dB over the whole pictures."""
    error = float(((one.astype(float) - other) ** 2).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def steps_in(stage: str, reported: list[EngineProgress]) -> list[int]:
    """In the order in which they were reported."""
    return [it.step for it in reported if it.stage == stage]
