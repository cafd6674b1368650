"""Pictures made from images: the call that makes one, and how far two are apart."""

from typing import Any

import numpy as np

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.ports import Pixels
from tests.unit.engine.jobs import run

SOMEWHERE = "gs://bucket/image.png"
#: Batched and single runs differ by rounding, at most one step of 8 bits.
ROUNDING = 1


def changed(engine: EngineProcess, image: Pixels, seed: int = 7, **parameters: Any) -> Pixels:
    result = run(engine, seed, **{"image": image, "image_url": SOMEWHERE, **parameters})
    return result.pictures[0].pixels


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def difference(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other).max())
