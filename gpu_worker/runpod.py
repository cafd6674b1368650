"""`python -m gpu_worker runpod`: takes the jobs of a RunPod serverless endpoint until a signal.

RunPod's library has the main thread; the worker's service, which looks after engine, health and
leaving, runs beside it. Whichever is over first ends the other.
"""

import logging
import os
import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress

from pydantic import ValidationError

from gpu_worker.departure import Departure
from gpu_worker.deployment import wire, wire_alone
from gpu_worker.engine.specs import GPU_MODELS
from gpu_worker.health import HealthFile
from gpu_worker.intake.runpod.handler import Handler
from gpu_worker.intake.runpod.office import Office
from gpu_worker.intake.runpod.sdk import Sdk, end_pings, post_progress
from gpu_worker.intake.runpod.service import RunPodIntake
from gpu_worker.loras import Loras
from gpu_worker.ports import Engine, EngineInfo
from gpu_worker.pulse import Pulse
from gpu_worker.running import Served, serve_engine
from gpu_worker.runpod_settings import RunPodSettings
from gpu_worker.setting_faults import tell_faults
from gpu_worker.settings import Settings, WorkerSettings
from shared.errors import GenerationError
from shared.json_log import trace_of

log = logging.getLogger(__name__)

#: For the library to tell RunPod why this worker is unfit, before it ends the process itself.
REPORT_SECONDS = 4.0
#: For the service to end what it looks after; it has bounds of its own.
SERVICE_SECONDS = 7.0
CPU = "cpu"


class Unfit(Exception):
    """Why no job may come here; the text is told to RunPod."""


class Endpoint:
    """One worker of the endpoint. Used once: `run`."""

    def __init__(self, settings: WorkerSettings, loras: Loras, own: RunPodSettings) -> None:
        self._settings = settings
        self._loras = loras
        self._own = own
        self._departure = Departure(leave=leave)
        self._sdk: Future[Sdk] = Future()
        self._library_over = threading.Event()
        #: The service's exit code.
        self._served: Future[int] = Future()
        self._fit = False

    def run(self) -> int:
        """Ends the process. From the main thread."""
        self._departure.listen()
        threading.Thread(target=self._serve, name="service", daemon=True).start()
        try:
            code = self._sdk.result().run()
        except Exception as error:  # noqa: BLE001 (logged without its text)
            log.critical("RunPod's library failed", extra={"fields": trace_of(error)})
            code = 1
        self._library_over.set()
        self._departure.stopping.set()
        served = 1
        with suppress(TimeoutError):
            served = self._served.result(SERVICE_SECONDS)
        return self._departure.leave(code or served)

    def _serve(self) -> None:
        code = 1
        try:
            health = HealthFile(self._settings.health_file)
            stopping = self._departure.stopping
            code = serve_engine(self._settings, self._make_served, stopping, health, leave=leave)
        except Exception as error:  # noqa: BLE001 (logged without its text)
            fields = trace_of(error)
            log.critical("the worker cannot be set up", extra={"fields": fields})
        self._served.set_result(code)
        # The library may be in a call of 90 s, or be telling why this worker is unfit.
        if not self._library_over.wait(0 if self._fit else REPORT_SECONDS):
            self._departure.leave(code)

    def _make_served(self, engine: Engine, pulse: Pulse, _parts: ExitStack) -> Served:
        settings = self._settings
        alone = wire_alone(settings, engine, self._loras)
        cloud = wire(settings, engine, self._loras) if isinstance(settings, Settings) else None
        office = Office(alone, cloud, max_bytes=self._own.runpod_max_payload)
        sdk = Sdk(
            Handler(office, slots=settings.slots, post_progress=post_progress()),
            slots=settings.slots,
            check_fitness=lambda: self._check_fitness(engine),
            on_tick=pulse.beat,
            take_signals=self._departure.take_over,
        )
        self._sdk.set_result(sdk)
        return office, RunPodIntake(office, sdk)

    def _check_fitness(self, engine: Engine) -> None:
        try:
            info = engine.wait_ready(self._settings.engine_start_timeout)
        except GenerationError as error:
            if self._departure.stopping.is_set() and self._served.result(SERVICE_SECONDS) == 0:
                # It was told to leave while it was loading; nothing is wrong with it.
                raise SystemExit(0) from None
            raise Unfit(error.message) from None
        check_gpu(info)
        self._fit = True


def run_runpod(settings: WorkerSettings, loras: Loras) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine failed or a test job did,
    with 2 for a setting that is wrong. `loras` are those that requests may name.
    """
    try:
        own = RunPodSettings()
    except ValidationError as error:
        tell_faults(error)
        return 2
    return Endpoint(settings, loras, own).run()


def check_gpu(info: EngineInfo) -> None:
    """Raises `Unfit` where a model that needs a GPU has none."""
    slow = [name for name in info.models if name in GPU_MODELS]
    if info.device == CPU and slow:
        raise Unfit(f"{', '.join(slow)} runs on this machine's CPU: no GPU was found")


def leave(code: int) -> None:
    """At once, whatever threads do; without the library's process, which would outlive us."""
    end_pings()
    os._exit(code)
