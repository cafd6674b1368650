"""Jobs for the engine's tests, and the call that runs one and keeps what it reported."""

import itertools
from typing import Any

from gpu_worker.ports import (
    Engine,
    EngineJob,
    EngineProgress,
    EngineResult,
    LoraFile,
    Mask,
    Pixels,
)
from shared.parse import parse_request
from shared.request import MAX_IMAGES

PROMPT = "a red circle on a blue background"
#: Any job here takes under 3 s; a machine under load gets ten times that.
PATIENCE_SECONDS = 60.0

_numbers = itertools.count(1)


def make_job(
    seed: int = 7,
    image: Pixels | None = None,
    mask: Mask | None = None,
    loras: tuple[LoraFile, ...] = (),
    **parameters: Any,
) -> EngineJob:
    """A job as a client's JSON would ask for it; an id of its own."""
    if loras:
        parameters["loras"] = [{"name": it.name, "weight": it.weight} for it in loras]
    request = parse_request({"prompt": PROMPT, **parameters}, max_images=MAX_IMAGES)
    return EngineJob(
        job_id=f"job-{next(_numbers)}",
        request=request,
        seed=seed,
        image=image,
        mask=mask,
        loras=loras,
    )


def run(engine: Engine, seed: int = 7, **parameters: Any) -> EngineResult:
    return engine.run(make_job(seed, **parameters), lambda _: None)


def run_and_record(
    engine: Engine, seed: int = 7, **parameters: Any
) -> tuple[EngineResult, list[EngineProgress]]:
    reported: list[EngineProgress] = []
    return engine.run(make_job(seed, **parameters), reported.append), reported
