"""The engine's main thread: load the models, then answer job after job for as long as it lives."""

import gc
import logging
import time
from dataclasses import replace
from typing import Any

from gpu_worker.engine import determinism, faults
from gpu_worker.engine.baked import prefer_baked
from gpu_worker.engine.deferred_imports import defer_imports
from gpu_worker.engine.link import SupervisorLink
from gpu_worker.engine.loading import choose_source, find_refiner, quieten
from gpu_worker.engine.options import EngineOptions
from gpu_worker.engine.weight_reading import read_ahead
from gpu_worker.ports import EngineInfo, EngineJob, JobCancelled
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
            compiled=options.compiled,
            baked=options.start.baked,
        )
        reading.stop()
        model.warm_up()
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
            memory=model.memory_in_use(),
        )
    )
    if model.compiling is not None:
        model.compiling.start()
    while _answer(link, model, link.next_job()):
        pass
    return EXIT_DEVICE_BROKEN


def _answer(link: SupervisorLink, model: Any, job: EngineJob) -> bool:
    """True while the model (a `Model`) can take another job."""
    crash_point(CrashPoint.IN_ENGINE_JOB)
    try:
        result = model.generate(job, link.report_progress, link.stop_if_asked, link.send_frames)
    except JobCancelled:
        link.answer_stopped()
    except Exception as error:  # noqa: BLE001 - the boundary: a job's fault must not end the engine
        if not isinstance(error, GenerationError):
            LOG.error("job %s: %s", job.job_id, faults.describe_for_log(error, job.request))  # noqa: TRY400 - quotes prompts
        link.answer_failed(faults.to_generation_error(error, job.request))
        # The frames that the exception holds on to hold the tensors that did not fit.
        error.__traceback__ = None
        return bool(model.recover())
    else:
        link.answer_done(result)
    return True
