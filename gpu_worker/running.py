"""Runs a deployment's worker under any intake: engine, health, signals; then leaves the process."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeAlias

from gpu_worker.departure import Departure
from gpu_worker.deployment import make_engine, wire
from gpu_worker.health import Health, HealthFile
from gpu_worker.health_server import HealthServer
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.loras import Loras
from gpu_worker.pulse import Pulse
from gpu_worker.service import Intake, Service
from gpu_worker.settings import Settings

#: Makes the intake that feeds the runner. It beats the pulse while it is alive, and what it enters
#: into the stack is closed after it has ended.
MakeIntake: TypeAlias = Callable[[GenerationRunner, Pulse, ExitStack], Intake]


def run_until_signal(
    settings: Settings, loras: Loras, make_intake: MakeIntake, *, health: HealthFile | None = None
) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine or the intake failed.

    `loras` are those that requests may name. `health`, of `settings.health_file`, is for an intake
    that asks it too.
    """
    health = health or HealthFile(settings.health_file)
    departure = Departure()
    departure.listen()
    # Left without returning: Python would wait for threads in calls that hang, an upload's say.
    return departure.leave(_run(settings, loras, make_intake, departure.stopping, health))


def _run(
    settings: Settings,
    loras: Loras,
    make_intake: MakeIntake,
    stopping: threading.Event,
    health: HealthFile,
) -> int:
    pulse = Pulse()
    health.write(Health.STARTING)
    engine = make_engine(settings)
    engine.start()
    try:
        with ExitStack() as parts:
            if settings.health_port is not None:
                parts.enter_context(HealthServer(health, settings.health_port))
            runner = GenerationRunner(wire(settings, engine, loras))
            intake = make_intake(runner, pulse, parts)
            service = Service(engine, runner, intake, health, stopping, pulse=pulse)
            return service.run(start_timeout=settings.engine_start_timeout)
    finally:
        engine.close()
