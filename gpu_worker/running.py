"""Runs a deployment's worker under any intake: engine, health, signals; then leaves the process."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TypeAlias

from gpu_worker.departure import Departure
from gpu_worker.deployment import make_engine, wire
from gpu_worker.health import Health, HealthFile
from gpu_worker.health_server import HealthServer
from gpu_worker.lifecycle.runner import GenerationRunner
from gpu_worker.loras import Loras
from gpu_worker.ports import Engine
from gpu_worker.presence import Presence
from gpu_worker.pulse import Pulse
from gpu_worker.reporting import report_of
from gpu_worker.service import Drainable, Intake, Service
from gpu_worker.settings import Settings, WorkerSettings

#: Makes the intake that feeds the runner. It beats the pulse while it is alive, and what it enters
#: into the stack is closed after it has ended.
MakeIntake: TypeAlias = Callable[[GenerationRunner, Pulse, ExitStack], Intake]


#: What a service looks after beside its engine: what has jobs in hand, and where they come from.
Served: TypeAlias = tuple[Drainable, Intake]
MakeServed: TypeAlias = Callable[[Engine, Pulse, ExitStack], Served]


def run_until_signal(
    settings: Settings,
    loras: Loras,
    make_intake: MakeIntake,
    *,
    intake: str,
    health: HealthFile | None = None,
) -> int:
    """Ends the process, with 0 after a signal, with 1 when the engine or the intake failed.

    `loras` are those that requests may name; `intake` is what the worker calls the way by which
    its jobs come. `health`, of `settings.health_file`, is for an intake that asks it too.
    """
    health = health or HealthFile(settings.health_file)
    departure = Departure()
    departure.listen()

    def make_served(engine: Engine, pulse: Pulse, parts: ExitStack) -> Served:
        wiring = wire(settings, engine, loras)
        runner = GenerationRunner(wiring)
        look = partial(
            report_of,
            wiring,
            runner,
            health,
            kinds=settings.served_kinds,
            intake=intake,
            since=wiring.clock.now(),
        )
        presence = Presence(wiring.documents, wiring.clock, wiring.worker_id, look)
        parts.enter_context(presence)
        return runner, make_intake(runner, pulse, parts)

    # Left without returning: Python would wait for threads in calls that hang, an upload's say.
    return departure.leave(serve_engine(settings, make_served, departure.stopping, health))


def serve_engine(
    settings: WorkerSettings,
    make_served: MakeServed,
    stopping: threading.Event,
    health: HealthFile,
    *,
    leave: Callable[[int], None] = os._exit,
) -> int:
    """Blocks until `stopping` or a failure; the exit code. `leave` ends the process under threads
    that hang."""
    pulse = Pulse()
    health.write(Health.STARTING)
    engine = make_engine(settings)
    engine.start()
    try:
        with ExitStack() as parts:
            if settings.health_port is not None:
                parts.enter_context(HealthServer(health, settings.health_port))
            served, intake = make_served(engine, pulse, parts)
            service = Service(engine, served, intake, health, stopping, pulse=pulse, leave=leave)
            return service.run(start_timeout=settings.engine_start_timeout)
    finally:
        engine.close()
