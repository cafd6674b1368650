"""The engine's main thread: load the models, then answer job after job for as long as it lives."""

import gc
import logging
import time
from dataclasses import replace
from typing import Any

from gpu_worker.engine import determinism
from gpu_worker.engine.answering import answer
from gpu_worker.engine.baked import prefer_baked
from gpu_worker.engine.batching import ALONE, rows_that_pay
from gpu_worker.engine.deferred_imports import defer_imports
from gpu_worker.engine.link import SupervisorLink
from gpu_worker.engine.loading import choose_source, find_refiner, quieten
from gpu_worker.engine.options import EngineOptions
from gpu_worker.engine.weight_reading import read_ahead
from gpu_worker.ports import EngineInfo
from shared.crash_points import CrashPoint, crash_point
from shared.errors import GenerationError

LOG = logging.getLogger(__name__)

#: Exit codes, for the supervisor's log.
EXIT_LOAD_FAILED = 3
EXIT_DEVICE_BROKEN = 4


def serve(link: SupervisorLink, options: EngineOptions, started: float) -> int:
    """Returns an exit code, or never. `started` is the monotonic time of the process's start."""
    crash_point(CrashPoint.IN_ENGINE_LOADING)
    # Imports make hundreds of thousands of objects and hardly any garbage: looking for it takes a
    # fifth of the start (3.7 s with, 2.9 s without).
    gc.disable()
    try:
        choice = options.models
        picture, film = choice.specs()
        baked = options.start.baked
        pictures = films = refiner = checking = None
        if picture is not None:
            pictures = choose_source(picture, choice.picture_folder, baked)
            refiner = find_refiner(picture, pictures)
        if film is not None:
            films = choose_source(film, choice.film_folder, baked)
        looked_at = options.check.spec(picture, film)
        if looked_at is not None:
            checking = prefer_baked(looked_at.name, looked_at.source, baked)
            looked_at = replace(looked_at, source=checking)
        sources = [it for it in (pictures, refiner, films, checking) if it is not None]
        quieten(*sources)
        reading = read_ahead(*sources)
        defer_imports()
        if options.deterministic:
            determinism.prepare_fixed_results()
        # Imports torch: only now, when there is something to load.
        from gpu_worker.engine.model import Model  # noqa: PLC0415

        if options.deterministic:
            determinism.fix_results()
        model = Model(
            None if picture is None or pictures is None else (picture, pictures),
            None if film is None or films is None else (film, films),
            check=looked_at,
            precision=options.precision,
            speed=options.speed,
            compiled=options.compiled,
            baked=options.start.baked,
        )
        reading.stop()
        model.warm_up()
        step_seconds, batch_rows = choose_batches(model, options)
    except GenerationError as error:
        LOG.error("%s", error.message, exc_info=error.__cause__)  # noqa: TRY400 - the cause is it
        link.say_load_failed(error)
        return EXIT_LOAD_FAILED
    # What is there now stays for good: the garbage collector need not look at it in every job.
    # Nor now: it would look for a third of a second, and free not a megabyte.
    gc.freeze()
    gc.enable()
    link.say_ready(
        EngineInfo(
            models=tuple(spec.name for spec in (picture, film) if spec is not None),
            device=str(model.device.torch_device),
            device_name=model.device.name,
            load_seconds=time.monotonic() - started,
            precision=model.device.precision.value,
            deterministic=determinism.results_are_fixed(),
            batch_rows=batch_rows,
            step_seconds=step_seconds,
            memory=model.memory_in_use(),
        )
    )
    model.prepare(link.upcoming)
    if model.compiling is not None:
        model.compiling.start()
    while answer(link, model, link.next_jobs()):
        pass
    return EXIT_DEVICE_BROKEN


def choose_batches(model: Any, options: EngineOptions) -> tuple[dict[int, float], int]:
    """What a step of `model` (a `Model`) takes by rows, where that was tried, and the rows of a
    batch."""
    if options.deterministic:
        # Company comes by chance, and changes a picture by its rounding.
        return {}, ALONE
    if options.batch_rows is not None:
        return {}, options.batch_rows
    seconds: dict[int, float] = model.time_batches()
    rows = rows_that_pay(seconds)
    if seconds:
        LOG.info(
            "a step of %s; batches of %d",
            ", ".join(f"{count} takes {it * 1000:.1f} ms" for count, it in seconds.items()),
            rows,
        )
    return seconds, rows
