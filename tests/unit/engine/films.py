"""Films for the engine's tests: the call that has one made and keeps its frames."""

from typing import Any

import numpy as np

from gpu_worker.ports import Engine, EngineJob, EngineProgress, EngineResult, Frames
from tests.unit.engine.jobs import make_job

#: The least that a request may ask for.
FRAMES = 17


def film_job(seed: int = 7, **parameters: Any) -> EngineJob:
    """Short, unless `parameters` say otherwise."""
    short = {"task_type": "text2video", "num_frames": FRAMES, "num_inference_steps": 2}
    return make_job(seed, **{**short, **parameters})


def shoot(engine: Engine, seed: int = 7, **parameters: Any) -> Frames:
    return shoot_and_tell(engine, film_job(seed, **parameters))[0]


def shoot_and_tell(
    engine: Engine, job: EngineJob
) -> tuple[Frames, EngineResult, list[EngineProgress]]:
    chunks: list[Frames] = []
    reported: list[EngineProgress] = []
    result = engine.run(job, reported.append, chunks.append)
    return np.concatenate(chunks), result, reported
